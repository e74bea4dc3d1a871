#include "storage/catalog/image_search.h"

#include <algorithm>

#include "schemas/base/names.h"
#include "storage/catalog/catalog_internal.h"

namespace augstore {
namespace {

constexpr size_t kImagesPerStep = 16384;

bool IsGone(const Status& status) { return status.code() == Code::kNotFound; }

}  // namespace

SampleChunk WithoutImages(const SampleChunk& chunk, const std::set<ContentHash>& images) {
  const size_t views = chunk.size() == 0 ? 0 : chunk.views.size() / chunk.size();
  ChunkBuilder builder({chunk.labels.size(), views});
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (!images.contains(chunk.images[i])) builder.Add(chunk, i);
  }
  return builder.Take();
}

ImageSearch::ImageSearch(Store* store, ErasureTarget target)
    : store_(store), target_(std::move(target)) {}

Result<bool> ImageSearch::Look(std::chrono::steady_clock::time_point deadline) {
  const bool known = !images_.empty();
  do {
    AUGSTORE_TRY(LookOnce());
    // From now on no view of it may be appended, which the caller sees to before it goes on.
    if (!known && !images_.empty()) return false;
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
      return LookAtVersions();
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
    AUGSTORE_ASSIGN(const ContentHash image, ContentHash::FromHex(target_.image));
    BeginViews(image);
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
                      ReadChunk(store_, table_, next_chunk_, ShapeOf(of_)));
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
  BeginViews(image_);
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

void ImageSearch::BeginViews(const ContentHash& image) {
  image_ = image;
  images_.insert(image);
  prefixes_.insert(Prefix64(image));
  found_.image = image.Hex();
  Enter(Phase::kViews, "views", 0);
}

Status ImageSearch::ListSpaces() {
  AUGSTORE_ASSIGN(const StoreStats stats, store_->Stats());
  for (const SpaceInfo& info : stats.spaces) {
    stored_[info.id] = {};
    found_.total += info.rows;
  }
  listed_spaces_ = true;
  return OkStatus();
}

Status ImageSearch::LookForViews() {
  if (!listed_spaces_) return ListSpaces();
  const auto space = stored_.lower_bound(space_);
  if (space == stored_.end()) {
    AUGSTORE_TRY(ListVersions());
    Enter(Phase::kVersions, "versions", waiting_.size());
    return OkStatus();
  }
  space_ = space->first;
  AUGSTORE_ASSIGN(const auto entries, store_->ListImages(space_, after_, kImagesPerStep));
  for (const StoredImage& entry : entries) {
    if (entry.image != image_ && entry.source != image_) continue;
    space->second.push_back(entry);
    images_.insert(entry.image);
    prefixes_.insert(Prefix64(entry.image));
    ++(entry.image == image_ ? found_.rows : found_.views);
  }
  found_.done += entries.size();
  if (entries.empty()) {
    ++space_;
    after_ = {};
  } else {
    after_ = entries.back().image;
  }
  return OkStatus();
}

Status ImageSearch::LookAtVersions() {
  if (!waiting_.empty()) return LookAtNext();
  if (versions_.empty() && found_.rows == 0 && found_.views == 0) {
    return NotFound("nothing in this store has image {}", found_.image);
  }
  Enter(Phase::kFound, "", 0);
  return OkStatus();
}

Status ImageSearch::LookAtNew() {
  AUGSTORE_CHECK(phase_ == Phase::kFound);
  AUGSTORE_TRY(ListVersions());
  while (!waiting_.empty()) AUGSTORE_TRY(LookAtNext());
  return OkStatus();
}

Status ImageSearch::LookAtNext() {
  const auto next = waiting_.begin();
  const Status noted = NoteVersion(next->first, next->second);
  if (IsGone(noted) && !IsGone(store_->ReadRecord(next->first).status())) {
    return DataLoss(
        "samples of {} are missing, so that it is not known whether it has the image; "
        "run `augstore verify`",
        Describe(next->first));
  }
  if (!IsGone(noted)) AUGSTORE_TRY(noted);  // else it was deleted meanwhile
  looked_at_.insert(next->first);
  waiting_.erase(next);
  ++found_.done;
  return OkStatus();
}

Status ImageSearch::NoteVersion(const RecordKey& key, const CollectionRecord& record) {
  AUGSTORE_ASSIGN(const ChunkTable table, ReadTable(store_, record));
  Version version{record, {}};
  for (size_t i = 0; i < table.size(); ++i) {
    AUGSTORE_ASSIGN(const bool has_image, HasImage(record, table, i));
    if (has_image) version.chunks.insert(i);
  }
  if (!version.chunks.empty()) versions_.insert_or_assign(key, std::move(version));
  return OkStatus();
}

Result<bool> ImageSearch::HasImage(const CollectionRecord& record, const ChunkTable& table,
                                   size_t i) {
  const ChunkId id = ChunkOf(table, i);
  if (const auto known = chunks_.find(id); known != chunks_.end()) return known->second;
  AUGSTORE_ASSIGN(const ChunkSummary summary, ReadSummary(store_, table, i));
  bool has_image = false;
  if (std::ranges::any_of(summary.images, [&](uint64_t p) { return prefixes_.contains(p); })) {
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store_, table, i, ShapeOf(record)));
    has_image = std::ranges::any_of(
        chunk.images, [&](const ContentHash& image) { return images_.contains(image); });
    if (has_image) AUGSTORE_TRY(NoteRows(record, chunk));
  }
  chunks_.emplace(id, has_image);
  return has_image;
}

Status ImageSearch::NoteRows(const CollectionRecord& record, const SampleChunk& chunk) {
  AUGSTORE_ASSIGN(const SpaceInfo space, store_->FindSpace(record.backbone, record.dtype));
  std::vector<StoredImage>& stored = stored_[space.id];
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (!images_.contains(chunk.images[i])) continue;
    const bool known = std::ranges::any_of(
        stored, [&](const StoredImage& image) { return image.row == chunk.rows[i]; });
    if (!known) stored.push_back({chunk.images[i], chunk.rows[i], {}, false});
  }
  return OkStatus();
}

}  // namespace augstore
