#include "storage/catalog/image_search.h"

#include <algorithm>

#include "schemas/base/names.h"
#include "storage/catalog/catalog_internal.h"

namespace augstore {
namespace {

constexpr size_t kImagesPerStep = 16384;

bool IsGone(const Status& status) { return status.code() == Code::kNotFound; }

}  // namespace

SampleChunk WithoutImage(const SampleChunk& chunk, const ContentHash& image) {
  ChunkBuilder builder(chunk.labels.size());
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk.images[i] != image) builder.Add(chunk, i);
  }
  return builder.Take();
}

ImageSearch::ImageSearch(Store* store, ErasureTarget target)
    : store_(store), target_(std::move(target)) {}

Result<bool> ImageSearch::Look(std::chrono::steady_clock::time_point deadline) {
  do {
    AUGSTORE_TRY(LookOnce());
  } while (phase_ != Phase::kFound && std::chrono::steady_clock::now() < deadline);
  return phase_ == Phase::kFound;
}

Status ImageSearch::LookOnce() {
  switch (phase_) {
    case Phase::kBegin:
      return Begin();
    case Phase::kSample:
      return LookForSample();
    case Phase::kVersions:
      return LookAtVersion();
    case Phase::kViews:
      return LookForViews();
    case Phase::kFound:
      break;
  }
  return OkStatus();
}

void ImageSearch::Enter(Phase phase, std::string_view name, uint64_t total) {
  phase_ = phase;
  found_.phase = name;
  found_.done = 0;
  found_.total = total;
}

Status ImageSearch::Begin() {
  if (target_.collection.empty()) {
    AUGSTORE_ASSIGN(image_, ContentHash::FromHex(target_.image));
    found_.image = image_.Hex();
    AUGSTORE_TRY(ListVersions());
    Enter(Phase::kVersions, "versions", waiting_.size());
    return OkStatus();
  }
  AUGSTORE_ASSIGN(const Ref ref, ParseRef(target_.collection));
  const RecordKey key{RecordKind::kCollection, ref.name, ref.version};
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  AUGSTORE_ASSIGN(const auto version, DecodeVersioned<CollectionRecord>(key, bytes));
  of_ = version.record;
  AUGSTORE_ASSIGN(table_, ReadTable(store_, of_));
  for (const SplitCount& split : of_.splits) {
    if (!target_.split.empty() && split.name != target_.split) continue;
    wanted_.emplace(SampleHash(split.name, target_.key), split.name);
  }
  Enter(Phase::kSample, "sample", table_.size());
  return OkStatus();
}

Status ImageSearch::LookForSample() {
  if (next_chunk_ < table_.size()) {
    AUGSTORE_ASSIGN(const ChunkSummary summary, ReadSummary(store_, table_, next_chunk_));
    const auto may_be = [&](uint64_t prefix) {
      return std::ranges::any_of(
          wanted_, [&](const auto& wanted) { return Prefix64(wanted.first) == prefix; });
    };
    if (std::ranges::any_of(summary.samples, may_be)) {
      AUGSTORE_ASSIGN(const SampleChunk chunk,
                      ReadChunk(store_, table_, next_chunk_, of_.labels.size()));
      AUGSTORE_TRY(TakeSample(chunk));
    }
    ++next_chunk_;
    ++found_.done;
    return OkStatus();
  }
  if (splits_.empty()) {
    return NotFound("collection '{}' has no sample '{}'{}", target_.collection, target_.key,
                    target_.split.empty() ? "" : fmt::format(" in split '{}'", target_.split));
  }
  found_.image = image_.Hex();
  AUGSTORE_TRY(ListVersions());
  Enter(Phase::kVersions, "versions", waiting_.size());
  return OkStatus();
}

Status ImageSearch::TakeSample(const SampleChunk& chunk) {
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk.keys[i] != target_.key) continue;
    if (!wanted_.contains(SampleHash(SplitOf(chunk, i), chunk.keys[i]))) continue;
    if (!splits_.empty() && image_ != chunk.images[i]) {
      return InvalidArgument(
          "collection '{}' has a sample '{}' in split '{}' and another image under that key in "
          "split '{}': name the split",
          target_.collection, target_.key, splits_.front(), SplitOf(chunk, i));
    }
    splits_.push_back(SplitOf(chunk, i));
    image_ = chunk.images[i];
  }
  return OkStatus();
}

Status ImageSearch::ListVersions() {
  AUGSTORE_ASSIGN(const auto entries, store_->ListRecords(RecordKind::kCollection, ""));
  for (const RecordEntry& entry : entries) {
    if (looked_at_.contains(entry.key)) continue;
    AUGSTORE_ASSIGN(auto version, DecodeVersioned<CollectionRecord>(entry.key, entry.bytes));
    waiting_.emplace(entry.key, std::move(version.record));
  }
  return OkStatus();
}

Result<bool> ImageSearch::LookAgain() {
  AUGSTORE_CHECK(phase_ == Phase::kFound);
  AUGSTORE_TRY(ListVersions());
  if (waiting_.empty()) return false;
  Enter(Phase::kVersions, "versions", waiting_.size());
  return true;
}

Status ImageSearch::LookAtVersion() {
  if (!waiting_.empty()) {
    const auto next = waiting_.begin();
    const Status noted = NoteVersion(next->first, next->second);
    if (!IsGone(noted)) AUGSTORE_TRY(noted);  // else it was deleted meanwhile
    looked_at_.insert(next->first);
    waiting_.erase(next);
    ++found_.done;
    return OkStatus();
  }
  stored_.clear();
  found_.rows = found_.views = 0;
  space_ = 0;
  after_ = {};
  AUGSTORE_ASSIGN(const StoreStats stats, store_->Stats());
  uint64_t images = 0;
  for (const SpaceInfo& info : stats.spaces) {
    images += info.rows;
    RowId row = kNoRow;
    AUGSTORE_TRY(store_->FindImages(info.id, {&image_, 1}, {&row, 1}));
    Stored& stored = stored_[info.id];
    if (row == kNoRow) continue;
    stored.images.push_back(image_);
    stored.rows.push_back(row);
    ++found_.rows;
  }
  Enter(Phase::kViews, "views", images);
  return OkStatus();
}

Status ImageSearch::NoteVersion(const RecordKey& key, const CollectionRecord& record) {
  AUGSTORE_ASSIGN(const ChunkTable table, ReadTable(store_, record));
  Version version{record, {}};
  for (size_t i = 0; i < table.size(); ++i) {
    AUGSTORE_ASSIGN(const bool has_image, HasImage(table, i, record.labels.size()));
    if (has_image) version.chunks.insert(i);
  }
  if (!version.chunks.empty()) versions_.insert_or_assign(key, std::move(version));
  return OkStatus();
}

Result<bool> ImageSearch::HasImage(const ChunkTable& table, size_t i, size_t columns) {
  const ChunkId id = ChunkOf(table, i);
  if (const auto known = chunks_.find(id); known != chunks_.end()) return known->second;
  AUGSTORE_ASSIGN(const ChunkSummary summary, ReadSummary(store_, table, i));
  bool has_image = false;
  if (std::ranges::find(summary.images, Prefix64(image_)) != summary.images.end()) {
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store_, table, i, columns));
    has_image = std::ranges::find(chunk.images, image_) != chunk.images.end();
  }
  chunks_.emplace(id, has_image);
  return has_image;
}

Status ImageSearch::LookForViews() {
  const auto space = stored_.lower_bound(space_);
  if (space == stored_.end()) {
    if (versions_.empty() && found_.rows == 0 && found_.views == 0) {
      return NotFound("nothing in this store has image {}", found_.image);
    }
    Enter(Phase::kFound, "", 0);
    return OkStatus();
  }
  if (space->first != space_) after_ = {};
  space_ = space->first;
  AUGSTORE_ASSIGN(const auto images, store_->ListImages(space_, after_, kImagesPerStep));
  for (const StoredImage& view : images) {
    if (view.source != image_) continue;
    space->second.images.push_back(view.image);
    space->second.rows.push_back(view.row);
    ++found_.views;
  }
  found_.done += images.size();
  if (images.empty()) {
    ++space_;
    after_ = {};
  } else {
    after_ = images.back().image;
  }
  return OkStatus();
}

}  // namespace augstore
