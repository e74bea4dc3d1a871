// What the system says of this process and of the store's disk.
#ifndef AUGSTORE_SERVER_METRICS_PROCESS_METRICS_H_
#define AUGSTORE_SERVER_METRICS_PROCESS_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "schemas/base/status.h"
#include "server/metrics/metrics_text.h"

namespace augstore {

struct DiskSpace {
  uint64_t free_bytes = 0;  // for users other than root
  uint64_t total_bytes = 0;
};
// Of the file system that has `folder`; nothing when that is empty. Errors: kUnavailable.
Result<std::optional<DiskSpace>> FindDiskSpace(const std::string& folder);

// The process_… families that Prometheus' own libraries have. What cannot be read is left out.
void AddProcessMetrics(MetricsText* text);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_PROCESS_METRICS_H_
