#include "storage/store/row_leases.h"

#include <set>

#include "schemas/base/limits.h"

namespace augstore {

std::vector<uint64_t> RowLeases::Take(SpaceId space, std::span<const RowId> rows) {
  std::set<uint64_t> segments;
  for (const RowId row : rows) {
    if (row != kNoRow) segments.insert(row / kSegmentRows);
  }
  const MutexLock lock(mutex_);
  const Clock::time_point until = Clock::now() + length_;
  for (const uint64_t segment : segments) until_[{space, segment}] = until;
  return {segments.begin(), segments.end()};
}

std::vector<std::pair<SpaceId, uint64_t>> RowLeases::Held() {
  const MutexLock lock(mutex_);
  const Clock::time_point now = Clock::now();
  std::erase_if(until_, [&](const auto& lease) { return lease.second <= now; });
  std::vector<std::pair<SpaceId, uint64_t>> held;
  held.reserve(until_.size());
  for (const auto& [segment, until] : until_) held.push_back(segment);
  return held;
}

}  // namespace augstore
