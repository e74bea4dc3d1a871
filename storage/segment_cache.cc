#include "storage/segment_cache.h"

#include <algorithm>

namespace augstore {
namespace {

constexpr uint64_t kShardBytes =
    64u << 20;  // smaller shards would hold too few segments of a large dim
constexpr uint64_t kMaxShards = 16;

}  // namespace

SegmentCache::SegmentCache(uint64_t budget_bytes)
    : budget_bytes_(budget_bytes),
      shards_(std::clamp<uint64_t>(budget_bytes / kShardBytes, 1, kMaxShards)) {}

size_t SegmentCache::Hash::operator()(const SegmentId& id) const {
  // The finaliser of SplitMix64: neighbouring segments go to different shards and buckets.
  uint64_t x = id.segment + (uint64_t{id.space} << 40) + (static_cast<uint64_t>(id.part) << 63) +
               0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

SegmentCache::Shard& SegmentCache::ShardOf(const SegmentId& id) {
  return shards_[(Hash()(id) >> 40) % shards_.size()];
}

std::shared_ptr<const Segment> SegmentCache::Find(const SegmentId& id) {
  Shard& shard = ShardOf(id);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(id);
  if (found == shard.entries.end()) return nullptr;
  found->second.read = true;
  return found->second.segment;
}

void SegmentCache::EvictOne(Shard* shard) {
  while (true) {
    const SegmentId id = shard->order.front();
    shard->order.pop_front();
    const auto oldest = shard->entries.find(id);
    if (!oldest->second.read) {
      shard->bytes -= oldest->second.segment->bytes();
      shard->entries.erase(oldest);
      return;
    }
    oldest->second.read = false;
    shard->order.push_back(id);
  }
}

void SegmentCache::Insert(const SegmentId& id, std::shared_ptr<const Segment> segment) {
  const uint64_t budget = budget_bytes_ / shards_.size();
  const uint64_t bytes = segment->bytes();
  if (bytes > budget) return;
  Shard& shard = ShardOf(id);
  std::lock_guard lock(shard.mutex);
  if (shard.entries.contains(id)) return;
  while (shard.bytes + bytes > budget) EvictOne(&shard);
  shard.entries[id] = {std::move(segment), false};
  shard.order.push_back(id);
  shard.bytes += bytes;
}

uint64_t SegmentCache::resident_bytes() {
  uint64_t total = 0;
  for (Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    total += shard.bytes;
  }
  return total;
}

}  // namespace augstore
