// Rows that writers were told of, and that a collection is going to name. Internal to storage.
#ifndef AUGSTORE_STORAGE_STORE_ROW_LEASES_H_
#define AUGSTORE_STORAGE_STORE_ROW_LEASES_H_

#include <chrono>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "storage/store/store.h"

namespace augstore {

// An ingest embeds for hours before its samples name a row. Until then a lease on the segment keeps
// it from being given back. The leases of a space run out when no writer was told of a row of it
// for `length`, and those of a segment when a collection that names rows of it is there. Of two
// writers that were told of the same segment, the first that is done ends the lease of both.
// Thread-safe. Memory: 48 bytes for each segment.
class RowLeases {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RowLeases(Clock::duration length) : length_(length) {}

  // Rows of kNoRow are left out. Returns the segments.
  std::vector<uint64_t> Take(SpaceId space, std::span<const RowId> rows);
  // Allocates nothing, so that a commit does not fail after its version is there.
  void End(SpaceId space, std::span<const RowId> rows);
  // The segments whose lease has not run out.
  std::vector<std::pair<SpaceId, uint64_t>> Held();

 private:
  struct Space {
    std::set<uint64_t> segments;
    Clock::time_point until;
  };

  const Clock::duration length_;
  Mutex mutex_;
  std::map<SpaceId, Space> spaces_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_ROW_LEASES_H_
