// Erasing an image from every collection version.
#include <algorithm>
#include <map>
#include <set>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/collection_draft.h"
#include "storage/catalog/collection_removal.h"
#include "storage/catalog/image_search.h"
#include "storage/catalog/record_users.h"

namespace augstore {
namespace {

using Versions = std::map<RecordKey, ImageSearch::Version>;

std::string ErasureName(const RecordKey& version) {
  return Ref{version.name, version.version, ""}.ToString();
}

// The record of `latest` without the image, whose samples are written already; nothing when none
// are left.
Result<std::optional<CollectionRecord>> WriteWithout(Store* store, const ContentHash& image,
                                                     const ImageSearch::Version& latest) {
  CollectionRecord record = latest.record;
  AUGSTORE_ASSIGN(const ChunkTable table, ReadTable(store, record));
  ChunkWriter writer(store);
  ChunkTable without;
  std::map<std::string, uint64_t> removed;
  for (size_t i = 0; i < table.size(); ++i) {
    if (!latest.chunks.contains(i)) {
      CopyToTable(table, i, &without);
      continue;
    }
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store, table, i, record.labels.size()));
    for (size_t sample = 0; sample < chunk.size(); ++sample) {
      if (chunk.images[sample] == image) ++removed[SplitOf(chunk, sample)];
    }
    const SampleChunk rest = WithoutImage(chunk, image);
    if (rest.size() > 0) AUGSTORE_TRY(writer.Add(rest, &without));
  }
  if (without.size() == 0) return std::optional<CollectionRecord>();
  for (SplitCount& split : record.splits) split.samples -= removed[split.name];
  std::erase_if(record.splits, [](const SplitCount& split) { return split.samples == 0; });
  record.samples = 0;
  for (const uint32_t samples : without.samples) record.samples += samples;
  Result<uint32_t> list = writer.Finish(without);
  if (!list.ok()) writer.Drop();
  AUGSTORE_TRY(list);
  record.sample_list = *list;
  record.lists = ListsOf(without);
  record.digest = CollectionDigest(record, without.digests);
  record.created_unix_s = UnixNow();
  return std::optional(std::move(record));
}

// What the operator is told: versions that have the image, their aliases, and heads.
std::vector<DeletedRecord> Describe(const RecordUsers& users, const Versions& versions) {
  std::vector<DeletedRecord> all;
  for (const auto& [key, version] : versions) {
    all.push_back({key.kind, key.name, key.version, "", ""});
    for (DeletedRecord& user : users.Of(key)) all.push_back(std::move(user));
  }
  return all;
}

}  // namespace

Result<ErasureStep> Catalog::EraseSample(uint64_t* number, const ErasureTarget& target) {
  const auto deadline = std::chrono::steady_clock::now() + draft_step_;
  const MutexLock lock(erasure_mutex_);
  if (*number != 0 && (erasure_ == nullptr || *number != last_erasure_)) {
    return NotFound("erasure {} was ended by another one: begin again", *number);
  }
  if (*number != 0 && erasure_->target().preview != target.preview) {
    return InvalidArgument("erasure {} was begun with another preview", *number);
  }
  // One that fails in between does not come back.
  std::unique_ptr<ImageSearch> search = std::move(erasure_);
  if (*number == 0) {
    ErasureTarget pinned = target;
    if (!target.collection.empty()) {
      AUGSTORE_ASSIGN(const RecordKey key, Resolve(RecordKind::kCollection, target.collection));
      pinned.collection = ErasureName(key);
    }
    search = std::make_unique<ImageSearch>(store_, std::move(pinned));
    *number = ++last_erasure_;
  }
  AUGSTORE_ASSIGN(bool found, search->Look(deadline));
  ErasureStep step = search->found();
  if (found) {
    AUGSTORE_ASSIGN(const RecordUsers users, RecordUsers::Load(store_));
    step.records = Describe(users, search->versions());
    if (search->target().preview) return step;
    AUGSTORE_ASSIGN(step.applied, Erase(search.get()));
    if (step.applied) return step;
    step = search->found();  // versions came that are to be looked at
  }
  erasure_ = std::move(search);
  return step;
}

Result<bool> Catalog::Erase(ImageSearch* search) {
  std::vector<SegmentRange> erased;
  {
    // No sample comes to name a row meanwhile, and no version is made.
    const WriterLock lock(garbage_mutex_);
    AUGSTORE_TRY(RefuseDraftsWith(search->image()));
    const MutexLock registry(registry_mutex_);
    AUGSTORE_ASSIGN(const bool more, search->LookAgain());
    if (more) return false;
    AUGSTORE_TRY(ReplaceVersions(*search));
    for (const auto& [space, stored] : search->stored()) {
      AUGSTORE_TRY(store_->EraseRows(space, stored.rows));
      AUGSTORE_TRY(store_->ForgetImages(space, stored.images));
      for (const RowId row : stored.rows) {
        erased.push_back({space, row / kSegmentRows, row / kSegmentRows + 1});
      }
    }
  }
  for (const SegmentRange& range : erased) AUGSTORE_TRY(store_->CompactSegments(range));
  return true;
}

Status Catalog::RefuseDraftsWith(const ContentHash& image) {
  for (const auto& draft : AllDrafts()) {
    const MutexLock lock(draft->mutex);
    const auto& images = draft->samples.images;
    if (std::ranges::find(images, image) == images.end()) continue;
    return FailedPrecondition(
        "collection '{}' is being written with image {}: wait until that is over, and run the same "
        "command again",
        draft->collection, image.Hex());
  }
  return OkStatus();
}

// The new versions first, and what names the old ones before those: if the process ends in between,
// nothing is lost, and the same erasure goes on.
Status Catalog::ReplaceVersions(const ImageSearch& search) {
  std::map<std::string, uint32_t> replaced_by;
  for (const auto& [key, version] : search.versions()) {
    if (replaced_by.contains(key.name)) continue;
    AUGSTORE_ASSIGN(const RecordEntry latest,
                    store_->LatestRecord(RecordKind::kCollection, key.name));
    const auto has_image = search.versions().find(latest.key);
    if (has_image == search.versions().end()) {
      replaced_by[key.name] = latest.key.version;
      continue;
    }
    AUGSTORE_ASSIGN(const auto record, WriteWithout(store_, search.image(), has_image->second));
    if (record.has_value()) {
      AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(*record));
      AUGSTORE_ASSIGN(replaced_by[key.name],
                      store_->AddRecord(RecordKind::kCollection, key.name, bytes, ""));
    } else {
      replaced_by[key.name] = 0;
    }
  }
  for (const auto& [key, version] : search.versions()) {
    const ErasureRecord erasure{replaced_by[key.name], UnixNow()};
    AUGSTORE_TRY(MoveAliases(key, erasure.replaced_by));
    AUGSTORE_TRY(store_->PutRecord(RecordKind::kErasure, ErasureName(key), Encode(erasure)));
    AUGSTORE_TRY(DeleteOne({key.kind, key.name, key.version, "", ""}));
  }
  return OkStatus();
}

Status Catalog::MoveAliases(const RecordKey& version, uint32_t replaced_by) {
  const RecordKey key = AliasKey(version.kind, version.name);
  const Result<std::string> before = store_->ReadRecord(key);
  if (before.status().code() == Code::kNotFound) return OkStatus();
  AUGSTORE_TRY(before);
  AUGSTORE_ASSIGN(AliasHistory history, Decode<AliasHistory>(*before));
  std::set<std::string> aliases;
  for (const AliasMove& move : history.moves) {
    if (history.Find(move.alias) == version.version) aliases.insert(move.alias);
  }
  if (aliases.empty()) return OkStatus();
  for (const std::string& alias : aliases) {
    history.moves.push_back({alias, replaced_by,
                             fmt::format("an image was erased from version {}", version.version),
                             UnixNow(), false});
  }
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(history));
  return store_->PutRecord(key.kind, key.name, bytes);
}

Status Catalog::ExplainErasure(const Ref& ref) {
  const Result<std::string> bytes = store_->ReadRecord({RecordKind::kErasure, ref.ToString(), 1});
  if (bytes.status().code() == Code::kNotFound) return OkStatus();
  AUGSTORE_TRY(bytes);
  AUGSTORE_ASSIGN(const ErasureRecord erasure, Decode<ErasureRecord>(*bytes));
  if (erasure.replaced_by == 0) {
    return NotFound("collection '{}' was erased with its only image", ref.ToString());
  }
  return NotFound(
      "collection '{}' was erased, because an image was erased from it: '{}@{}' has "
      "the others",
      ref.ToString(), ref.name, erasure.replaced_by);
}

}  // namespace augstore
