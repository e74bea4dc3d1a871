// Where spans go, and one exchange with it: a POST of OTLP/JSON over HTTP/1.1.
#ifndef AUGSTORE_SERVER_TRACES_COLLECTOR_H_
#define AUGSTORE_SERVER_TRACES_COLLECTOR_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

struct Collector {
  std::string host;  // IPv6 without brackets
  uint16_t port = 0;
  std::string path;
  bool operator==(const Collector&) const = default;
  std::string ToString() const;
};

// "http://HOST:PORT/v1/traces". Errors: kInvalidArgument, also for https://, as a collector of the
// same machine or network is meant.
Result<Collector> ParseCollector(std::string_view url);

// Sends `json` on a connection of its own and returns the status of HTTP that came back. Blocks for
// `limit` at most, and until `is_over` says so, which is asked often. Errors: kUnavailable (nobody
// answers, or with what is no HTTP), kDeadlineExceeded.
Result<int> PostJson(const Collector& collector, std::string_view json,
                     std::chrono::milliseconds limit, const std::function<bool()>& is_over);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_COLLECTOR_H_
