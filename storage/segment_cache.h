// Segments kept in memory for reading. Thread-safe.
//
// The oldest goes first, unless it was read since it was last considered (the "clock" approximation
// of LRU): a hit then only sets a flag, where a list in order of use would be rewritten.
#ifndef AUGSTORE_STORAGE_SEGMENT_CACHE_H_
#define AUGSTORE_STORAGE_SEGMENT_CACHE_H_

#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "storage/segment.h"

namespace augstore {

class SegmentCache {
 public:
  // Holds at most `budget_bytes`, split evenly over shards. Segments that callers still share are
  // not counted once evicted.
  explicit SegmentCache(uint64_t budget_bytes);

  // Null when it is not held.
  std::shared_ptr<const Segment> Find(const SegmentId& id);
  // Keeps `segment` unless it alone is more than a shard's budget, or `id` is held already.
  void Insert(const SegmentId& id, std::shared_ptr<const Segment> segment);

  uint64_t budget_bytes() const { return budget_bytes_; }
  uint64_t resident_bytes();

 private:
  struct Entry {
    std::shared_ptr<const Segment> segment;
    bool read = false;  // since it was last considered for eviction
  };
  struct Hash {
    size_t operator()(const SegmentId& id) const;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<SegmentId, Entry, Hash> entries;
    std::deque<SegmentId> order;  // of consideration
    uint64_t bytes = 0;
  };

  Shard& ShardOf(const SegmentId& id);
  // REQUIRES: shard->mutex is held.
  static void EvictOne(Shard* shard);

  uint64_t budget_bytes_;
  std::vector<Shard> shards_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_SEGMENT_CACHE_H_
