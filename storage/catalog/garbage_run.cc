#include "storage/catalog/garbage_run.h"

#include <algorithm>
#include <utility>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

constexpr size_t kImagesPerStep = 16384;
constexpr size_t kSegmentsPerStep = 32;  // are dropped before the clock is asked again
constexpr uint64_t kSegmentsCompacted = 256;
// Whose entries of the image index are kept at a time: a million, 64 MB.
constexpr size_t kSegmentsPerWindow = 4096;

bool IsGone(const Status& status) { return status.code() == Code::kNotFound; }

Status Incomplete(const Versioned<CollectionRecord>& version) {
  return DataLoss(
      "samples of collection '{}' are missing, so that it is not known which rows it "
      "names; run `augstore verify`",
      version.ref());
}

}  // namespace

GarbageRun::GarbageRun(Store* store, const GarbageOptions& options)
    : store_(store), options_(options) {}

void GarbageRun::Mark(SpaceId space, std::span<const RowId> rows) {
  const MutexLock lock(mutex_);
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return;
  for (const RowId row : rows) MarkRow(&found->second, row);
}

void GarbageRun::Keep(SpaceId space, uint64_t segment) {
  const MutexLock lock(mutex_);
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return;
  for (size_t i = 0; i < kSegmentRows; ++i) MarkRow(&found->second, segment * kSegmentRows + i);
}

void GarbageRun::NoteDamage(Status damage) {
  const MutexLock lock(mutex_);
  damage_ = std::move(damage);
}

void GarbageRun::MarkRow(Space* space, RowId row) {
  if (row >= space->named.size()) return;  // it came after the run began
  space->named[row] = true;
  if (!space->garbage.empty()) space->garbage[row / kSegmentRows] = false;
}

bool GarbageRun::IsNamed(const Space& space, RowId row) const {
  return row >= space.named.size() || space.named[row];
}

Result<GarbageStep> GarbageRun::Step(std::chrono::steady_clock::time_point deadline) {
  const MutexLock lock(mutex_);
  do {
    AUGSTORE_TRY(StepOnce());
  } while (phase_ != Phase::kDone && !dropped_.has_value() &&
           std::chrono::steady_clock::now() < deadline);
  if (phase_ == Phase::kDone) AUGSTORE_TRY(damage_);
  return found_;
}

GarbageStep GarbageRun::Begun() {
  const MutexLock lock(mutex_);
  return found_;
}

std::optional<SegmentRange> GarbageRun::TakeDropped() {
  const MutexLock lock(mutex_);
  return std::exchange(dropped_, std::nullopt);
}

Status GarbageRun::StepOnce() {
  switch (phase_) {
    case Phase::kVersions:
      return MarkChunk();
    case Phase::kPairs:
      return MarkPairs();
    case Phase::kEntries:
      return FindEntries();
    case Phase::kDrop:
      return DropSegments();
    case Phase::kDone:
      break;
  }
  return OkStatus();
}

Status GarbageRun::Begin() {
  const MutexLock lock(mutex_);
  AUGSTORE_ASSIGN(const StoreStats stats, store_->Stats());
  for (const SpaceInfo& info : stats.spaces) {
    Space& space = spaces_[info.id];
    space.info = info;
    space.named.resize(info.segments * kSegmentRows);
  }
  return OkStatus();
}

Status GarbageRun::ListVersions() {
  const MutexLock lock(mutex_);
  return FindChunks();
}

Status GarbageRun::FindChunks() {
  list_again_ = false;
  AUGSTORE_ASSIGN(const auto entries, store_->ListRecords(RecordKind::kCollection, ""));
  for (const RecordEntry& entry : entries) {
    AUGSTORE_ASSIGN(const auto version, DecodeVersioned<CollectionRecord>(entry.key, entry.bytes));
    AUGSTORE_ASSIGN(const SpaceInfo space,
                    store_->FindSpace(version.record.backbone, version.record.dtype));
    const Result<ChunkTable> table = ReadTable(store_, version.record);
    if (IsGone(table.status())) {
      if (!IsGone(store_->ReadRecord(entry.key).status())) return Incomplete(version);
      list_again_ = true;
      continue;
    }
    AUGSTORE_TRY(table);
    for (size_t i = 0; i < table->size(); ++i) {
      const ChunkId chunk = ChunkOf(*table, i);
      if (gone_.contains(chunk)) return Incomplete(version);
      if (!marked_.contains(chunk)) chunks_.emplace(chunk, space.id);
    }
  }
  found_.phase = "versions";
  found_.total = found_.done + chunks_.size();
  return OkStatus();
}

Status GarbageRun::MarkChunk() {
  if (chunks_.empty() && list_again_) return FindChunks();
  if (chunks_.empty()) {
    phase_ = Phase::kPairs;
    found_.phase = "pairs";
    found_.done = found_.total = 0;
    for (const auto& [id, space] : spaces_) found_.total += space.info.rows;
    return OkStatus();
  }
  const auto next = chunks_.begin();
  const Result<std::string> bytes = store_->ReadSampleChunk(next->first);
  if (IsGone(bytes.status())) {
    list_again_ = true;
    gone_.insert(next->first);
  } else {
    AUGSTORE_TRY(bytes);
    AUGSTORE_ASSIGN(const SampleChunk chunk, Decode<SampleChunk>(*bytes));
    if (chunk.rows.size() != chunk.size()) {
      return DataLoss("{} has {} samples at {} rows; run `augstore verify`",
                      DescribeChunk(next->first), chunk.size(), chunk.rows.size());
    }
    for (const RowId row : chunk.rows) MarkRow(&spaces_[next->second], row);
    for (const RowId row : chunk.views) MarkRow(&spaces_[next->second], row);
    marked_.insert(next->first);
  }
  chunks_.erase(next);
  ++found_.done;
  return OkStatus();
}

Result<std::vector<StoredImage>> GarbageRun::NextImages(bool* done) {
  auto space = spaces_.lower_bound(space_);
  while (space != spaces_.end()) {
    if (space->first != space_) {
      space_ = space->first;
      after_ = {};
    }
    AUGSTORE_ASSIGN(auto images, store_->ListImages(space_, after_, kImagesPerStep));
    if (!images.empty()) {
      after_ = images.back().image;
      found_.done += images.size();
      return images;
    }
    ++space;
  }
  *done = true;
  space_ = 0;
  after_ = {};
  return std::vector<StoredImage>();
}

// A view is named by the pair that it makes with its image, and the image by its views.
Status GarbageRun::MarkPairs() {
  bool done = false;
  AUGSTORE_ASSIGN(const std::vector<StoredImage> images, NextImages(&done));
  if (done) {
    FindGarbage();
    return OkStatus();
  }
  Space& space = spaces_[space_];
  std::vector<ContentHash> sources;
  std::vector<RowId> views;
  for (const StoredImage& image : images) {
    if (!image.source.has_value() || image.erased) continue;
    sources.push_back(*image.source);
    views.push_back(image.row);
  }
  std::vector<RowId> rows(sources.size());
  AUGSTORE_TRY(store_->FindImages(space_, sources, rows));
  for (size_t i = 0; i < views.size(); ++i) {
    const bool is_stored = rows[i] != kNoRow;
    if (options_.pairs && !(is_stored && IsNamed(space, rows[i]))) continue;
    MarkRow(&space, views[i]);
    if (is_stored) MarkRow(&space, rows[i]);
  }
  return OkStatus();
}

void GarbageRun::FindGarbage() {
  for (auto& [id, space] : spaces_) {
    space.garbage.assign(space.info.segments, false);
    for (uint64_t segment = 0; segment < space.info.segments; ++segment) {
      const auto begin = space.named.begin() + static_cast<std::ptrdiff_t>(segment * kSegmentRows);
      space.garbage[segment] = std::find(begin, begin + kSegmentRows, true) == begin + kSegmentRows;
    }
  }
  space_ = 0;
  segment_ = window_end_ = 0;
  found_.done = found_.total = 0;
  for (const auto& [id, space] : spaces_) found_.total += space.info.segments;
  BeginWindow();
}

// The next segments of the space, or those of the next space; each is looked at once at least, so
// that rows that stay are counted.
void GarbageRun::BeginWindow() {
  auto space = spaces_.lower_bound(space_);
  if (space != spaces_.end() && space->first == space_ &&
      window_end_ >= space->second.info.segments) {
    ++space;
  }
  if (space == spaces_.end()) {
    phase_ = Phase::kDone;
    found_.phase.clear();
    return;
  }
  if (space->first != space_) window_end_ = 0;
  space_ = space->first;
  segment_ = window_end_;
  after_ = {};
  size_t garbage = 0;
  while (window_end_ < space->second.info.segments && garbage < kSegmentsPerWindow) {
    garbage += space->second.garbage[window_end_++] ? 1 : 0;
  }
  phase_ = Phase::kEntries;
  found_.phase = options_.apply ? "segments" : "count";
}

Status GarbageRun::FindEntries() {
  AUGSTORE_ASSIGN(const auto entries, store_->ListImages(space_, after_, kImagesPerStep));
  if (entries.empty()) {
    phase_ = Phase::kDrop;
    return OkStatus();
  }
  const Space& space = spaces_[space_];
  for (const StoredImage& entry : entries) {
    if (IsNamed(space, entry.row)) continue;
    const uint64_t segment = entry.row / kSegmentRows;
    if (!space.garbage[segment]) {
      found_.kept_rows += segment_ == 0 && !entry.erased ? 1 : 0;  // once, with the first window
    } else if (options_.apply && segment >= segment_ && segment < window_end_) {
      entries_[segment].push_back(entry);
    }
  }
  after_ = entries.back().image;
  return OkStatus();
}

Status GarbageRun::DropSegments() {
  const bool is_over = segment_ >= window_end_;
  if (waiting_.has_value() && (is_over || segment_ - waiting_->begin >= kSegmentsCompacted)) {
    dropped_ = std::exchange(waiting_, std::nullopt);
    return OkStatus();
  }
  if (!is_over) return DropSome();
  entries_.clear();
  BeginWindow();
  return OkStatus();
}

// Entries and their segment in one step, so that nobody comes to name a row in between, and no row
// is left that nothing can find: a segment that stays keeps all its entries.
Status GarbageRun::DropSome() {
  const Space& space = spaces_[space_];
  std::vector<uint64_t> segments;
  std::vector<StoredImage> entries;
  const uint64_t end = std::min(segment_ + kSegmentsPerStep, window_end_);
  for (; segment_ < end; ++segment_, ++found_.done) {
    if (!space.garbage[segment_]) continue;
    segments.push_back(segment_);
    const auto& some = entries_[segment_];
    entries.insert(entries.end(), some.begin(), some.end());
  }
  if (options_.apply) AUGSTORE_TRY(store_->ForgetImages(space_, entries));
  AUGSTORE_ASSIGN(const DroppedSegments dropped,
                  store_->DropSegments(space_, segments, options_.apply));
  if (dropped.compact) {
    const uint64_t begin = waiting_.has_value() ? waiting_->begin : segments.front();
    waiting_ = SegmentRange{space_, begin, segments.back() + 1};
  }
  found_.segments += dropped.segments;
  found_.rows += dropped.rows;
  found_.bytes += dropped.bytes;
  return OkStatus();
}

}  // namespace augstore
