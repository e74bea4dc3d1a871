#include "storage/catalog/catalog.h"

#include <algorithm>
#include <random>
#include <set>

#include "schemas/base/limits.h"
#include "schemas/records/card_worth.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/catalog_verify.h"
#include "storage/catalog/collection_removal.h"
#include "storage/catalog/garbage_run.h"
#include "storage/catalog/image_search.h"
#include "storage/collections/collection_draft.h"
#include "storage/store/row_leases.h"

namespace augstore {
namespace {

constexpr size_t kNamesShown = 8;
// For those that look like a mistyped one: comparing more would take longer than a peer should
// have.
constexpr size_t kNamesCompared = 1000;

std::string Join(const std::vector<std::string>& words) {
  std::string joined;
  for (size_t i = 0; i < words.size() && i < kNamesShown; ++i) {
    joined += (i == 0 ? "" : ", ") + words[i];
  }
  if (words.size() > kNamesShown) joined += fmt::format(" and {} more", words.size() - kNamesShown);
  return joined;
}

Status NoSuchName(RecordKind kind, const std::string& name, std::vector<std::string> names) {
  if (names.empty()) {
    return NotFound("{0} '{1}' does not exist: the store has no {0} yet", RecordKindName(kind),
                    name);
  }
  std::vector<std::pair<size_t, std::string>> by_distance;
  by_distance.reserve(names.size());
  for (std::string& other : names) {
    const size_t distance = EditDistance(name, other);
    by_distance.emplace_back(distance, std::move(other));
  }
  std::stable_sort(by_distance.begin(), by_distance.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  names.clear();
  for (auto& [distance, other] : by_distance) names.push_back(std::move(other));
  return NotFound("{} '{}' does not exist; there are: {}", RecordKindName(kind), name, Join(names));
}

Status NoSuchVersion(RecordKind kind, const Ref& ref, const std::vector<RecordEntry>& versions) {
  std::vector<std::string> numbers;
  numbers.reserve(versions.size());
  for (const RecordEntry& entry : versions) numbers.push_back(std::to_string(entry.key.version));
  std::reverse(numbers.begin(), numbers.end());
  return NotFound("{} '{}' has no version {}; its versions: {}", RecordKindName(kind), ref.name,
                  ref.version, Join(numbers));
}

Status NoSuchAlias(RecordKind kind, const Ref& ref, const AliasHistory& history) {
  std::set<std::string> distinct;
  for (const AliasMove& move : history.moves) {
    if (history.Find(move.alias) != 0) distinct.insert(move.alias);
  }
  const std::vector<std::string> aliases(distinct.begin(), distinct.end());
  return NotFound("{} '{}' has no alias '{}'; {}", RecordKindName(kind), ref.name, ref.alias,
                  aliases.empty() ? "it has none yet" : "its aliases: " + Join(aliases));
}

}  // namespace

Catalog::Catalog(Store* store, std::chrono::milliseconds draft_step, uint64_t draft_bytes)
    : store_(store),
      draft_step_(draft_step),
      draft_memory_(draft_bytes, "collections that are being written"),
      verifier_(std::make_unique<CatalogVerifier>(this)),
      leases_(std::make_unique<RowLeases>(kDraftIdle)),
      tables_(std::make_unique<TableCache>(store)) {
  // A draft number of an earlier process must not mean a draft of this one.
  next_draft_ = std::random_device()();
}

Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::Open(Store* store, std::chrono::milliseconds draft_step,
                                               uint64_t draft_bytes) {
  std::unique_ptr<Catalog> catalog(new Catalog(store, draft_step, draft_bytes));
  const Status dropped = DropLeftovers(store);
  // Leftovers only take space. Of a store that is open for reading they stay, and of a damaged one
  // too: Verify names the damage, and whatever is whole can be used meanwhile.
  if (dropped.code() != Code::kFailedPrecondition && dropped.code() != Code::kDataLoss) {
    AUGSTORE_TRY(dropped);
  }
  return catalog;
}

Result<RecordKey> Catalog::Resolve(RecordKind kind, std::string_view text) {
  if (kind == RecordKind::kAliases) {
    const RecordKey key{kind, std::string(text), 1};
    AUGSTORE_TRY(store_->ReadRecord(key));
    return key;
  }
  AUGSTORE_ASSIGN(const Ref ref, ParseRef(text));
  Result<RecordKey> found = ResolveExisting(kind, ref);
  // What there is instead is looked for only when it must be said.
  if (found.status().code() != Code::kNotFound) return found;
  if (kind == RecordKind::kCollection && ref.version != 0) AUGSTORE_TRY(ExplainErasure(ref));
  AUGSTORE_ASSIGN(const auto versions, store_->ListRecords(kind, ref.name));
  if (versions.empty()) {
    AUGSTORE_ASSIGN(std::vector<std::string> names, store_->ListNames(kind, kNamesCompared));
    return NoSuchName(kind, ref.name, std::move(names));
  }
  if (ref.version != 0) return NoSuchVersion(kind, ref, versions);
  return found;
}

Result<RecordKey> Catalog::ResolveExisting(RecordKind kind, const Ref& ref) {
  RecordKey key{kind, ref.name, ref.version};
  if (!ref.alias.empty()) {
    AUGSTORE_ASSIGN(const AliasHistory history, ReadHistory(store_, AliasKey(kind, ref.name)));
    key.version = history.Find(ref.alias);
    if (key.version == 0) return NoSuchAlias(kind, ref, history);
  } else if (key.version == 0) {
    AUGSTORE_ASSIGN(const RecordEntry latest, store_->LatestRecord(kind, ref.name));
    return latest.key;
  }
  AUGSTORE_TRY(store_->ReadRecord(key));
  return key;
}

template <typename Record>
Result<Versioned<Record>> Catalog::Get(std::string_view ref) {
  AUGSTORE_ASSIGN(const RecordKey key, Resolve(Record::kKind, ref));
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  return DecodeVersioned<Record>(key, bytes);
}
template Result<Versioned<BackboneRecord>> Catalog::Get(std::string_view ref);
template Result<Versioned<CollectionRecord>> Catalog::Get(std::string_view ref);
template Result<Versioned<TransformRecord>> Catalog::Get(std::string_view ref);
template Result<Versioned<HeadRecord>> Catalog::Get(std::string_view ref);

Result<Versioned<BackboneRecord>> Catalog::FindBackbone(const Digest& digest) {
  AUGSTORE_ASSIGN(const auto all, store_->ListRecords(RecordKind::kBackbone, ""));
  for (const RecordEntry& entry : all) {
    AUGSTORE_ASSIGN(Versioned<BackboneRecord> backbone,
                    DecodeVersioned<BackboneRecord>(entry.key, entry.bytes));
    if (backbone.record.digest == digest) return backbone;
  }
  return NotFound("no backbone with digest {} is registered: register its file", digest.Hex());
}

Result<Versioned<CollectionRecord>> Catalog::LatestCollection(const std::string& name) {
  AUGSTORE_ASSIGN(const RecordEntry latest, store_->LatestRecord(RecordKind::kCollection, name));
  return DecodeVersioned<CollectionRecord>(latest.key, latest.bytes);
}

Status Catalog::SetAlias(RecordKind kind, const std::string& name, const std::string& alias,
                         uint32_t version, const std::string& note, const AliasGate& gate) {
  AUGSTORE_TRY(ValidateAlias(alias));
  if (kind < RecordKind::kBackbone || kind > RecordKind::kHead) {
    return InvalidArgument("a record of kind {} cannot have aliases", RecordKindName(kind));
  }
  if (version == 0) return InvalidArgument("alias '{}' must point to a version from 1 on", alias);
  if (note.size() > kMaxKeyBytes) {
    return InvalidArgument("the note of alias '{}' has {} bytes: give at most {}", alias,
                           note.size(), kMaxKeyBytes);
  }
  AUGSTORE_TRY(ValidateName(name));
  const MutexLock lock(registry_mutex_);
  const std::string ref = Ref{name, version, ""}.ToString();
  AUGSTORE_TRY(Resolve(kind, ref));
  bool forced = false;
  if (kind == RecordKind::kTransform) {
    AUGSTORE_ASSIGN(const Versioned<TransformRecord> transform, Get<TransformRecord>(ref));
    Status worth = CheckWorth(ref, transform.record.card, gate.min_r2);
    if (!worth.ok() && !gate.force) return worth;
    forced = !worth.ok();
  }
  const RecordKey key = AliasKey(kind, name);
  AUGSTORE_ASSIGN(AliasHistory history, ReadHistory(store_, key));
  return WriteMoves(store_, key, std::move(history), {{alias, version, note, UnixNow(), forced}});
}

Result<AliasHistory> Catalog::GetAliases(RecordKind kind, const std::string& name) {
  AUGSTORE_TRY(ValidateName(name));
  AUGSTORE_ASSIGN(AliasHistory history, ReadHistory(store_, AliasKey(kind, name)));
  if (history.moves.empty()) AUGSTORE_TRY(Resolve(kind, name));
  return history;
}

Result<SampleChunk> Catalog::GetSamples(const CollectionRecord& collection, SampleId begin,
                                        uint64_t count) {
  if (begin > collection.samples) {
    return InvalidArgument("samples from {} on are asked for, the collection has {}", begin,
                           collection.samples);
  }
  const uint64_t end = begin + std::min<uint64_t>(count, collection.samples - begin);
  AUGSTORE_ASSIGN(const auto chunks, tables_->Get(collection));
  const ChunkShape shape = ShapeOf(collection);
  ChunkBuilder builder(shape);
  while (begin < end) {
    const size_t number = chunks->ChunkOfSample(begin);
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store_, chunks->table, number, shape));
    const SampleId first = chunks->begins[number];
    for (; begin < end && begin - first < chunk.size(); ++begin) builder.Add(chunk, begin - first);
  }
  return builder.Take();
}

Result<VerifyStep> Catalog::Verify(const std::string& cursor, const Cancellation& cancellation) {
  return verifier_->Verify(cursor, cancellation);
}

}  // namespace augstore
