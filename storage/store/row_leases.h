// Rows that writers were told of, and that a collection is going to name. Internal to storage.
#ifndef AUGSTORE_STORAGE_STORE_ROW_LEASES_H_
#define AUGSTORE_STORAGE_STORE_ROW_LEASES_H_

#include <chrono>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "storage/store/store.h"

namespace augstore {

// An ingest embeds for hours before its samples name a row. Until then a lease on the segment keeps
// it from being given back. Thread-safe. Memory: 64 bytes for each segment.
class RowLeases {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RowLeases(Clock::duration length) : length_(length) {}

  // Rows of kNoRow are left out. Returns the segments.
  std::vector<uint64_t> Take(SpaceId space, std::span<const RowId> rows);
  // The segments whose lease has not run out.
  std::vector<std::pair<SpaceId, uint64_t>> Held();

 private:
  const Clock::duration length_;
  Mutex mutex_;
  std::map<std::pair<SpaceId, uint64_t>, Clock::time_point> until_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_ROW_LEASES_H_
