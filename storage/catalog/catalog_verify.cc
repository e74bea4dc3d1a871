#include "storage/catalog/catalog_verify.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "schemas/base/limits.h"
#include "schemas/records/keys.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/collections/collection_chunks.h"

namespace augstore {
namespace {

constexpr size_t kMaxRuns = 16;      // the oldest goes first: its caller starts again
constexpr uint64_t kStepItems = 16;  // chunks or records of one step
constexpr size_t kRowsAtOnce = 64;   // that are checked, each of which may be in another segment

// Reads "<word> <number> <number> …" with exactly `count` numbers; what follows a further blank
// goes to `rest`.
bool ParseCursor(std::string_view text, std::string_view word, std::vector<uint64_t>* numbers,
                 size_t count, std::string_view* rest) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  for (size_t i = 0; i < count; ++i) {
    if (!text.starts_with(' ')) return false;
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (error != std::errc()) return false;
    numbers->push_back(number);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
  }
  if (text.starts_with(' ')) text.remove_prefix(1);
  *rest = text;
  return true;
}

Result<std::deque<RecordKey>> AllRecords(Store* store) {
  std::deque<RecordKey> keys;
  for (RecordKind kind :
       {RecordKind::kBackbone, RecordKind::kCollection, RecordKind::kTransform, RecordKind::kHead,
        RecordKind::kAliases, RecordKind::kKey, RecordKind::kErasure}) {
    AUGSTORE_ASSIGN(const auto entries, store->ListRecords(kind, ""));
    for (const RecordEntry& entry : entries) keys.push_back(entry.key);
  }
  return keys;
}

template <typename Record>
Status CheckDecodes(Store* store, const RecordKey& key) {
  AUGSTORE_ASSIGN(const std::string bytes, store->ReadRecord(key));
  return Decode<Record>(bytes).status();
}

Status CheckAliases(Store* store, const RecordKey& key) {
  AUGSTORE_ASSIGN(const std::string bytes, store->ReadRecord(key));
  AUGSTORE_ASSIGN(const AliasHistory history, Decode<AliasHistory>(bytes));
  const size_t slash = key.name.find('/');
  AUGSTORE_ASSIGN(const RecordKind kind, ParseRecordKind(key.name.substr(0, slash)));
  for (const AliasMove& move : history.moves) {
    const RecordKey target{kind, key.name.substr(slash + 1), history.Find(move.alias)};
    if (target.version == 0) continue;  // it went with the version that it pointed to
    const Result<std::string> record = store->ReadRecord(target);
    if (record.status().code() == Code::kNotFound) {
      return DataLoss("alias '{}' points to {}, which does not exist", move.alias,
                      Describe(target));
    }
    AUGSTORE_TRY(record);
  }
  return OkStatus();
}

// Whether the check could not be made, which says nothing of what was to be checked.
bool IsInterruption(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded;
}

}  // namespace

// One run over all records. It owns its mutex, and callers share the run: so a run that is
// forgotten during a step lives until the step has left the mutex.
class VerifyRun {
 public:
  VerifyRun(Catalog* catalog, std::deque<RecordKey> todo)
      : catalog_(catalog), store_(catalog->store()), todo_(std::move(todo)) {}

  enum class Outcome { kOtherPosition, kMore, kDone };
  // Does the step that follows `position` steps. Errors: kUnavailable and those of `cancellation`;
  // the run must be forgotten then, because what the step had found is not told.
  Result<Outcome> Step(uint64_t position, const Cancellation& cancellation, VerifyStep* step);

 private:
  // What was found in a chunk, which several versions may share.
  struct CheckedChunk {
    Status status;
    Digest digest;  // that its table has
    std::vector<SplitCount> splits;
  };

  // Checks one record, or one chunk of a collection. Errors: as Step; what is wrong goes to
  // step->problems.
  Status CheckNext(const Cancellation& cancellation, VerifyStep* step) AUGSTORE_REQUIRES(mutex_);
  Status CheckNextChunk(const RecordKey& key, const Cancellation& cancellation, bool* done)
      AUGSTORE_REQUIRES(mutex_);
  Status BeginCollection(const RecordKey& key) AUGSTORE_REQUIRES(mutex_);
  // Errors: as CheckNext.
  Result<const CheckedChunk*> CheckChunk(size_t i, const Cancellation& cancellation)
      AUGSTORE_REQUIRES(mutex_);
  Status CheckSamples(const SampleChunk& chunk, size_t i, const Cancellation& cancellation)
      AUGSTORE_REQUIRES(mutex_);
  Status EndCollection() AUGSTORE_REQUIRES(mutex_);

  Catalog* catalog_;
  Store* store_;
  Mutex mutex_;
  uint64_t position_ AUGSTORE_GUARDED_BY(mutex_) = 0;  // steps done
  std::deque<RecordKey> todo_ AUGSTORE_GUARDED_BY(mutex_);
  // The collection at the front of todo_, once its first chunk is due.
  std::optional<CollectionRecord> collection_ AUGSTORE_GUARDED_BY(mutex_);
  ChunkTable table_ AUGSTORE_GUARDED_BY(mutex_);
  SpaceId space_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  size_t chunk_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  std::vector<SplitCount> splits_ AUGSTORE_GUARDED_BY(mutex_);
  // Of the collections so far. Some 200 bytes for each 4096 samples.
  std::map<ChunkId, CheckedChunk> checked_ AUGSTORE_GUARDED_BY(mutex_);
};

Result<VerifyRun::Outcome> VerifyRun::Step(uint64_t position, const Cancellation& cancellation,
                                           VerifyStep* step) {
  const MutexLock lock(mutex_);
  if (position_ != position) return Outcome::kOtherPosition;
  while (!todo_.empty() && step->checked < kStepItems) {
    AUGSTORE_TRY(cancellation.Check());
    AUGSTORE_TRY(CheckNext(cancellation, step));
    ++step->checked;
  }
  ++position_;
  return todo_.empty() ? Outcome::kDone : Outcome::kMore;
}

Status VerifyRun::CheckNext(const Cancellation& cancellation, VerifyStep* step) {
  const RecordKey key = todo_.front();
  Status found;
  bool done = true;
  switch (key.kind) {
    case RecordKind::kCollection:
      found = CheckNextChunk(key, cancellation, &done);
      break;
    case RecordKind::kTransform:
      found = catalog_->GetWeights(key).status();
      break;
    case RecordKind::kHead:
      found = catalog_->GetLayers(key).status();
      break;
    case RecordKind::kBackbone:
      found = CheckDecodes<BackboneRecord>(store_, key);
      break;
    case RecordKind::kKey:
      found = CheckDecodes<KeyRecord>(store_, key);
      break;
    case RecordKind::kErasure:
      found = CheckDecodes<ErasureRecord>(store_, key);
      break;
    default:
      found = CheckAliases(store_, key);
  }
  if (IsInterruption(found)) return found;
  if (!found.ok()) {
    done = true;
    // A record that was deleted in the meantime is no problem.
    const Result<std::string> still_there = store_->ReadRecord(key);
    if (still_there.status().code() != Code::kNotFound) {
      step->problems.push_back(fmt::format("{}: {}", Describe(key), found.message()));
    }
  }
  if (done) {
    todo_.pop_front();
    collection_.reset();
  }
  return OkStatus();
}

Status VerifyRun::CheckNextChunk(const RecordKey& key, const Cancellation& cancellation,
                                 bool* done) {
  if (!collection_.has_value()) AUGSTORE_TRY(BeginCollection(key));
  if (chunk_ < table_.size()) {
    AUGSTORE_ASSIGN(const CheckedChunk* checked, CheckChunk(chunk_, cancellation));
    AUGSTORE_TRY(checked->status);
    if (checked->digest != table_.digests[chunk_]) {
      return DataLoss("two versions have other digests for chunk {} of sample list {}",
                      table_.numbers[chunk_], table_.lists[chunk_]);
    }
    for (const SplitCount& split : checked->splits) {
      AUGSTORE_TRY(AddToSplit(split.name, split.samples, &splits_));
    }
    ++chunk_;
  }
  *done = chunk_ >= table_.size();
  return *done ? EndCollection() : OkStatus();
}

Status VerifyRun::BeginCollection(const RecordKey& key) {
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  AUGSTORE_ASSIGN(CollectionRecord record, Decode<CollectionRecord>(bytes));
  AUGSTORE_ASSIGN(const SpaceInfo space, store_->FindSpace(record.backbone, record.dtype));
  if (space.dim != record.dim) {
    return DataLoss("its dim is {}, its embeddings' is {}", record.dim, space.dim);
  }
  AUGSTORE_ASSIGN(table_, ReadTable(store_, record));
  space_ = space.id;
  collection_ = std::move(record);
  chunk_ = 0;
  splits_.clear();
  return OkStatus();
}

Result<const VerifyRun::CheckedChunk*> VerifyRun::CheckChunk(size_t i,
                                                             const Cancellation& cancellation) {
  const auto [found, is_new] = checked_.try_emplace(ChunkOf(table_, i));
  CheckedChunk& checked = found->second;
  if (!is_new) return &checked;
  const Result<SampleChunk> chunk = ReadChunk(store_, table_, i, ShapeOf(*collection_));
  checked.status = chunk.ok() ? CheckSamples(*chunk, i, cancellation) : chunk.status();
  if (IsInterruption(checked.status)) {
    Status interruption = checked.status;
    checked_.erase(found);
    return interruption;
  }
  checked.digest = table_.digests[i];
  if (checked.status.ok()) checked.status = CountSplits(*chunk, &checked.splits);
  return &checked;
}

Status VerifyRun::CheckSamples(const SampleChunk& chunk, size_t i,
                               const Cancellation& cancellation) {
  const ChunkId id = ChunkOf(table_, i);
  ChunkTable made;
  AddToTable(id, chunk, &made);
  if (made.digests[0] != table_.digests[i] || made.row_sums[0] != table_.row_sums[i]) {
    return DataLoss("the content of chunk {} of sample list {} is not that of its digest",
                    id.number, id.list);
  }
  AUGSTORE_ASSIGN(const ChunkSummary summary, ReadSummary(store_, table_, i));
  if (summary != Summarize(chunk)) {
    return DataLoss("the summary of chunk {} of sample list {} is of other samples", id.number,
                    id.list);
  }
  std::vector<RowId> named = chunk.rows;
  std::ranges::copy_if(chunk.views, std::back_inserter(named),
                       [](RowId row) { return row != kNoRow; });
  const std::span<const RowId> rows = named;
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
    AUGSTORE_TRY(cancellation.Check());
    const size_t count = std::min(kRowsAtOnce, rows.size() - begin);
    AUGSTORE_TRY(store_->CheckRows(space_, rows.subspan(begin, count)));
  }
  return OkStatus();
}

Status VerifyRun::EndCollection() {
  const CollectionRecord& record = *collection_;
  // Erasing an image may have changed which split appears first.
  std::vector<SplitCount> splits = record.splits;
  std::ranges::sort(splits, {}, &SplitCount::name);
  std::ranges::sort(splits_, {}, &SplitCount::name);
  if (splits_ != splits) return DataLoss("its splits have other counts than it says");
  const Digest digest = CollectionDigest(record, table_.digests);
  if (digest == record.digest) return OkStatus();
  return DataLoss("its content has digest {} instead of {}", digest.Hex(), record.digest.Hex());
}

CatalogVerifier::CatalogVerifier(Catalog* catalog) : catalog_(catalog) {}
CatalogVerifier::~CatalogVerifier() = default;

Result<VerifyStep> CatalogVerifier::Verify(const std::string& cursor,
                                           const Cancellation& cancellation) {
  std::vector<uint64_t> numbers;
  std::string_view rest;
  if (cursor.empty()) {
    AUGSTORE_ASSIGN(const auto records, AllRecords(catalog_->store()));
    return VerifyStore(records.size(), "", cancellation);
  }
  if (ParseCursor(cursor, "store", &numbers, 1, &rest) && !rest.empty()) {
    return VerifyStore(numbers[0], std::string(rest), cancellation);
  }
  numbers.clear();
  if (ParseCursor(cursor, "catalog", &numbers, 3, &rest) && rest.empty()) {
    return VerifyRecords(numbers[0], numbers[1], numbers[2], cancellation);
  }
  return InvalidArgument("verify cursor '{}' is not one that verify returned", cursor);
}

Result<VerifyStep> CatalogVerifier::VerifyStore(uint64_t items, const std::string& cursor,
                                                const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(VerifyStep step, catalog_->store()->Verify(cursor, cancellation));
  step.total += items;
  // Run 0 is never known, so the records begin with a run of their own.
  step.cursor = step.cursor.empty() ? fmt::format("catalog {} 0 0", step.total)
                                    : fmt::format("store {} {}", items, step.cursor);
  return step;
}

Result<VerifyStep> CatalogVerifier::VerifyRecords(uint64_t total, uint64_t run, uint64_t position,
                                                  const Cancellation& cancellation) {
  using Outcome = VerifyRun::Outcome;
  VerifyStep step;
  step.total = total;
  Result<Outcome> outcome = Outcome::kOtherPosition;
  if (const auto known = Find(run); known != nullptr)
    outcome = known->Step(position, cancellation, &step);
  if (outcome.ok() && *outcome == Outcome::kOtherPosition) {
    AUGSTORE_ASSIGN(const auto fresh, Begin(&run));
    position = 0;
    outcome = fresh->Step(position, cancellation, &step);
    if (outcome.ok() && *outcome == Outcome::kOtherPosition) {
      // Another caller guessed the number of the new run and took its first step.
      step.cursor = fmt::format("catalog {} 0 0", total);
      return step;
    }
  }
  if (outcome.ok() && *outcome == Outcome::kMore) {
    step.cursor = fmt::format("catalog {} {} {}", total, run, position + 1);
    return step;
  }
  Forget(run);
  AUGSTORE_TRY(outcome);
  return step;
}

std::shared_ptr<VerifyRun> CatalogVerifier::Find(uint64_t run) {
  const MutexLock lock(mutex_);
  const auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<VerifyRun>> CatalogVerifier::Begin(uint64_t* run) {
  AUGSTORE_ASSIGN(std::deque<RecordKey> todo, AllRecords(catalog_->store()));
  auto fresh = std::make_shared<VerifyRun>(catalog_, std::move(todo));
  const MutexLock lock(mutex_);
  runs_.erase(*run);
  if (runs_.size() >= kMaxRuns) runs_.erase(runs_.begin());
  *run = ++last_run_;
  runs_[*run] = fresh;
  return fresh;
}

void CatalogVerifier::Forget(uint64_t run) {
  const MutexLock lock(mutex_);
  runs_.erase(run);
}

}  // namespace augstore
