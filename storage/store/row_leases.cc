#include "storage/store/row_leases.h"

#include "schemas/base/limits.h"

namespace augstore {
namespace {

std::set<uint64_t> SegmentsOf(std::span<const RowId> rows) {
  std::set<uint64_t> segments;
  for (const RowId row : rows) {
    if (row != kNoRow) segments.insert(row / kSegmentRows);
  }
  return segments;
}

}  // namespace

std::vector<uint64_t> RowLeases::Take(SpaceId space, std::span<const RowId> rows) {
  const std::set<uint64_t> segments = SegmentsOf(rows);
  const MutexLock lock(mutex_);
  Space& leased = spaces_[space];
  leased.segments.insert(segments.begin(), segments.end());
  leased.until = Clock::now() + length_;
  return {segments.begin(), segments.end()};
}

void RowLeases::End(SpaceId space, std::span<const RowId> rows) {
  const MutexLock lock(mutex_);
  const auto leased = spaces_.find(space);
  if (leased == spaces_.end()) return;
  for (const RowId row : rows) leased->second.segments.erase(row / kSegmentRows);
}

std::vector<std::pair<SpaceId, uint64_t>> RowLeases::Held() {
  const MutexLock lock(mutex_);
  const Clock::time_point now = Clock::now();
  std::erase_if(spaces_, [&](const auto& space) { return space.second.until <= now; });
  std::vector<std::pair<SpaceId, uint64_t>> held;
  for (const auto& [space, leased] : spaces_) {
    for (const uint64_t segment : leased.segments) held.emplace_back(space, segment);
  }
  return held;
}

}  // namespace augstore
