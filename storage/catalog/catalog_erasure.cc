// Erasing an image from every collection version.
#include <algorithm>
#include <map>
#include <set>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/collection_removal.h"
#include "storage/catalog/image_search.h"
#include "storage/catalog/record_users.h"
#include "storage/collections/collection_draft.h"

namespace augstore {
namespace {

// Appending the image is refused for so long after the last call of its erasure.
constexpr std::chrono::minutes kErasureIdle{10};

using Versions = std::map<RecordKey, ImageSearch::Version>;

std::string ErasureName(const RecordKey& version) {
  return Ref{version.name, version.version, ""}.ToString();
}

// The record of a version without the images, whose samples are written already; nothing when none
// are left.
Result<std::optional<CollectionRecord>> WriteWithout(Store* store,
                                                     const std::set<ContentHash>& images,
                                                     const ImageSearch::Version& version) {
  CollectionRecord record = version.record;
  AUGSTORE_ASSIGN(const ChunkTable table, ReadTable(store, record));
  ChunkWriter writer(store);
  ChunkTable without;
  std::map<std::string, uint64_t> removed;
  for (size_t i = 0; i < table.size(); ++i) {
    if (!version.chunks.contains(i)) {
      CopyToTable(table, i, &without);
      continue;
    }
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store, table, i, ShapeOf(record)));
    for (size_t sample = 0; sample < chunk.size(); ++sample) {
      if (images.contains(chunk.images[sample])) ++removed[SplitOf(chunk, sample)];
    }
    const SampleChunk rest = WithoutImages(chunk, images);
    if (rest.size() > 0) AUGSTORE_TRY(writer.Add(rest, &without));
  }
  if (without.size() == 0) return std::optional<CollectionRecord>();
  for (SplitCount& split : record.splits) split.samples -= removed[split.name];
  std::erase_if(record.splits, [](const SplitCount& split) { return split.samples == 0; });
  Result<uint32_t> list = writer.Finish(without);
  if (!list.ok()) writer.Drop();
  AUGSTORE_TRY(list);
  record.sample_list = *list;
  DescribeTable(without, &record);
  record.created_unix_s = UnixNow();
  return std::optional(std::move(record));
}

// The latest version if it has none of the images; else a new one, of the newest version of which
// samples are left.
Result<uint32_t> Successor(Store* store, const ImageSearch& search, const Versions& living,
                           const std::string& name) {
  AUGSTORE_ASSIGN(const RecordEntry latest, store->LatestRecord(RecordKind::kCollection, name));
  if (!living.contains(latest.key)) return latest.key.version;
  for (auto next = living.rbegin(); next != living.rend(); ++next) {
    if (next->first.name != name) continue;
    AUGSTORE_ASSIGN(const auto record, WriteWithout(store, search.images(), next->second));
    if (!record.has_value()) continue;
    AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(*record));
    return store->AddRecord(RecordKind::kCollection, name, bytes, "");
  }
  return 0u;
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

Result<ErasureStep> Catalog::EraseSample(uint64_t* number, const ErasureTarget& target,
                                         const Cancellation& cancellation) {
  const auto deadline = std::chrono::steady_clock::now() + draft_step_;
  const MutexLock lock(erasure_mutex_);
  if (*number != 0) {
    if (*number == last_erasure_ && last_erasure_step_.has_value()) return *last_erasure_step_;
    if (erasure_ == nullptr || *number != last_erasure_) {
      return FailedPrecondition("erasure {} was ended: begin again", *number);
    }
    if (erasure_target_ != target) {
      return InvalidArgument("erasure {} was begun for another image", *number);
    }
  }
  // One that fails in between does not come back.
  std::unique_ptr<ImageSearch> search = std::move(erasure_);
  if (*number == 0) {
    AUGSTORE_ASSIGN(search, BeginErasure(target));
    *number = ++last_erasure_;
  }
  const bool known = !search->images().empty();
  AUGSTORE_ASSIGN(const bool found, search->Look(deadline));
  if (!target.preview) AUGSTORE_TRY(KeepFromAppending(*search, known));
  ErasureStep step = search->found();
  if (!found) {
    erasure_ = std::move(search);
    return step;
  }
  AUGSTORE_ASSIGN(const RecordUsers users, RecordUsers::Load(store_));
  if (!target.preview) {
    AUGSTORE_TRY(Erase(search.get(), cancellation.stop()));
    step.applied = true;
  }
  step.records = Describe(users, search->versions());
  last_erasure_step_ = step;
  return step;
}

Result<std::unique_ptr<ImageSearch>> Catalog::BeginErasure(const ErasureTarget& target) {
  erasure_target_ = target;
  last_erasure_step_.reset();
  ErasureTarget pinned = target;
  if (!target.collection.empty()) {
    AUGSTORE_ASSIGN(const RecordKey key, Resolve(RecordKind::kCollection, target.collection));
    pinned.collection = ErasureName(key);
  }
  return std::make_unique<ImageSearch>(store_, std::move(pinned));
}

// Views that came behind the search would not be found. `known`: appending was refused already.
Status Catalog::KeepFromAppending(const ImageSearch& search, bool known) {
  if (search.images().empty()) return OkStatus();
  const auto now = std::chrono::steady_clock::now();
  const MutexLock turn(garbage_turn_);
  const WriterLock lock(garbage_mutex_);
  if (known && now >= erased_until_) {
    return FailedPrecondition("the erasure of image {} took a pause of {} minutes: begin again",
                              search.found().image, kErasureIdle.count());
  }
  erased_ = *ContentHash::FromHex(search.found().image);
  erased_until_ = now + kErasureIdle;
  return OkStatus();
}

Status Catalog::Erase(ImageSearch* search, const std::stop_token& stop) {
  std::map<std::string, uint32_t> by;
  {
    // No sample comes to name a row meanwhile, and no version is made.
    const MutexLock turn(garbage_turn_);
    const WriterLock lock(garbage_mutex_);
    AUGSTORE_TRY(RefuseDraftsWith(*search));
    const MutexLock registry(registry_mutex_);
    AUGSTORE_TRY(search->LookAtNew());
    AUGSTORE_TRY(CheckReadable(*search));
    AUGSTORE_ASSIGN(by, AddSuccessors(*search));
    for (const auto& [space, images] : search->stored()) {
      AUGSTORE_TRY(store_->EraseImages(space, images));
    }
  }
  for (const auto& [space, images] : search->stored()) {
    std::set<uint64_t> segments;
    for (const StoredImage& image : images) segments.insert(image.row / kSegmentRows);
    for (const uint64_t segment : segments) {
      AUGSTORE_TRY(store_->CompactSegments({space, segment, segment + 1}, stop));
    }
  }
  {
    const MutexLock registry(registry_mutex_);
    AUGSTORE_TRY(DeleteReplaced(*search, by));
  }
  for (const auto& [space, images] : search->stored()) {
    AUGSTORE_TRY(store_->ForgetImages(space, images));
  }
  const MutexLock turn(garbage_turn_);
  const WriterLock lock(garbage_mutex_);
  erased_.reset();
  return OkStatus();
}

Status Catalog::CheckReadable(const ImageSearch& search) {
  for (const auto& [space, images] : search.stored()) {
    for (const StoredImage& image : images) {
      const Status readable = store_->CheckRows(space, {&image.row, 1});
      if (readable.code() != Code::kNotFound) AUGSTORE_TRY(readable);
    }
  }
  return OkStatus();
}

Status Catalog::RefuseDraftsWith(const ImageSearch& search) {
  for (const auto& draft : AllDrafts()) {
    const MutexLock lock(draft->mutex);
    const auto& images = draft->samples.images;
    const auto has = [&](const ContentHash& image) { return search.images().contains(image); };
    if (std::ranges::none_of(images, has)) continue;
    return FailedPrecondition(
        "collection '{}' is being written with image {}: wait until that is over, and run the same "
        "command again",
        draft->collection, search.found().image);
  }
  return OkStatus();
}

// Successors come first, and the versions that have the image go last, since they alone may know
// some of its rows: if the process ends in between, nothing is lost, and the same erasure goes on.
Result<std::map<std::string, uint32_t>> Catalog::AddSuccessors(const ImageSearch& search) {
  Versions living;
  for (const auto& [key, version] : search.versions()) {
    const Result<std::string> there = store_->ReadRecord(key);
    if (there.status().code() == Code::kNotFound) continue;  // deleted since it was found
    AUGSTORE_TRY(there);
    living.emplace(key, version);
  }
  std::map<std::string, uint32_t> successors;
  for (const auto& [key, version] : living) {
    if (successors.contains(key.name)) continue;
    AUGSTORE_ASSIGN(successors[key.name], Successor(store_, search, living, key.name));
  }
  return successors;
}

Status Catalog::DeleteReplaced(const ImageSearch& search,
                               const std::map<std::string, uint32_t>& successors) {
  for (const auto& [key, version] : search.versions()) {
    const auto successor = successors.find(key.name);
    const Result<std::string> there = store_->ReadRecord(key);
    if (successor == successors.end() || there.status().code() == Code::kNotFound) continue;
    AUGSTORE_TRY(there);
    const ErasureRecord erasure{successor->second, UnixNow()};
    AUGSTORE_TRY(MoveAliases(key, erasure.replaced_by));
    AUGSTORE_TRY(store_->PutRecord(RecordKind::kErasure, ErasureName(key), Encode(erasure)));
    AUGSTORE_TRY(DeleteOne({key.kind, key.name, key.version, "", ""}));
  }
  return OkStatus();
}

Status Catalog::MoveAliases(const RecordKey& version, uint32_t replaced_by) {
  const RecordKey key = AliasKey(version.kind, version.name);
  AUGSTORE_ASSIGN(AliasHistory history, ReadHistory(store_, key));
  std::set<std::string> aliases;
  for (const AliasMove& move : history.moves) {
    if (history.Find(move.alias) == version.version) aliases.insert(move.alias);
  }
  if (aliases.empty()) return OkStatus();
  std::vector<AliasMove> moves;
  moves.reserve(aliases.size());
  for (const std::string& alias : aliases) {
    moves.push_back({alias, replaced_by,
                     fmt::format("an image was erased from version {}", version.version), UnixNow(),
                     false});
  }
  return WriteMoves(store_, key, std::move(history), std::move(moves));
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
