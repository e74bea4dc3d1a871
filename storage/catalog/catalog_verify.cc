// Verify of the catalog: the store's own check, then every record with what it refers to. The
// cursor is one of
//   "store <items> <the store's cursor>" · "catalog <total> <run> <position>"
// A run is kept in memory between steps, because a digest in the making is no text. A run that is
// not known (a restart) or whose position differs (a reply was lost) starts the records from the
// beginning.
#include <charconv>
#include <deque>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/collection_samples.h"

namespace augstore {
namespace {

constexpr size_t kMaxRuns = 16;
constexpr uint64_t kStepItems = 16;                  // chunks or records of one step
constexpr uint64_t kStepEmbeddingBytes = 64u << 20;  // a step ends once it has read this much

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
  for (RecordKind kind : {RecordKind::kBackbone, RecordKind::kCollection, RecordKind::kTransform,
                          RecordKind::kHead, RecordKind::kAliases}) {
    AUGSTORE_ASSIGN(const auto entries, store->ListRecords(kind, ""));
    for (const RecordEntry& entry : entries) keys.push_back(entry.key);
  }
  return keys;
}

}  // namespace

struct Catalog::Check {
  Mutex mutex;
  uint64_t position AUGSTORE_GUARDED_BY(mutex) = 0;  // steps done
  std::deque<RecordKey> todo AUGSTORE_GUARDED_BY(mutex);
  // The collection at the front of `todo`, once its first chunk is due.
  std::optional<CollectionRecord> collection AUGSTORE_GUARDED_BY(mutex);
  std::optional<CollectionDigest> digest AUGSTORE_GUARDED_BY(mutex);
  uint64_t chunk AUGSTORE_GUARDED_BY(mutex) = 0;
  std::vector<SplitCount> splits AUGSTORE_GUARDED_BY(mutex);
};

Result<VerifyStep> Catalog::Verify(const std::string& cursor) {
  std::vector<uint64_t> numbers;
  std::string_view rest;
  if (cursor.empty()) {
    AUGSTORE_ASSIGN(const auto records, AllRecords(store_));
    return VerifyStore(records.size(), "");
  }
  if (ParseCursor(cursor, "store", &numbers, 1, &rest) && !rest.empty()) {
    return VerifyStore(numbers[0], std::string(rest));
  }
  numbers.clear();
  if (ParseCursor(cursor, "catalog", &numbers, 3, &rest) && rest.empty()) {
    return VerifyRecords(numbers[0], numbers[1], numbers[2]);
  }
  return InvalidArgument("verify cursor '{}' is not one that verify gave", cursor);
}

Result<VerifyStep> Catalog::VerifyStore(uint64_t items, const std::string& cursor) {
  AUGSTORE_ASSIGN(VerifyStep step, store_->Verify(cursor));
  step.total += items;
  // Run 0 is never known, so the records begin with a run of their own.
  step.cursor = step.cursor.empty() ? fmt::format("catalog {} 0 0", step.total)
                                    : fmt::format("store {} {}", items, step.cursor);
  return step;
}

Result<VerifyStep> Catalog::VerifyRecords(uint64_t total, uint64_t run, uint64_t position) {
  std::shared_ptr<Check> check;
  {
    const MutexLock lock(mutex_);
    if (const auto found = checks_.find(run); found != checks_.end()) check = found->second;
  }
  if (check != nullptr) {
    const MutexLock lock(check->mutex);
    if (check->position == position) return ContinueCheck(total, run, check.get());
  }
  AUGSTORE_ASSIGN(check, BeginCheck(&run));
  const MutexLock lock(check->mutex);
  return ContinueCheck(total, run, check.get());
}

// Puts a run that has done nothing yet in the place of `run`, which becomes its number.
Result<std::shared_ptr<Catalog::Check>> Catalog::BeginCheck(uint64_t* run) {
  AUGSTORE_ASSIGN(std::deque<RecordKey> todo, AllRecords(store_));
  auto check = std::make_shared<Check>();
  {
    const MutexLock lock(check->mutex);
    check->todo = std::move(todo);
  }
  const MutexLock lock(mutex_);
  checks_.erase(*run);
  if (checks_.size() >= kMaxRuns) checks_.erase(checks_.begin());
  *run = ++next_check_;
  checks_[*run] = check;
  return check;
}

void Catalog::ForgetCheck(uint64_t run) {
  const MutexLock lock(mutex_);
  checks_.erase(run);
}

Result<VerifyStep> Catalog::ContinueCheck(uint64_t total, uint64_t run, Check* check)
    AUGSTORE_REQUIRES(check->mutex) {
  VerifyStep step;
  step.total = total;
  uint64_t bytes = 0;
  while (!check->todo.empty() && step.checked < kStepItems && bytes < kStepEmbeddingBytes) {
    if (const Status status = CheckNext(check, &step); !status.ok()) {
      // What this step had found is not told, so a retry must not go on behind it.
      ForgetCheck(run);
      return status;
    }
    ++step.checked;
    if (check->collection.has_value()) {
      bytes += uint64_t{kSampleChunkRows} * check->collection->dim * sizeof(float);
    }
  }
  ++check->position;
  if (check->todo.empty()) {
    ForgetCheck(run);
  } else {
    step.cursor = fmt::format("catalog {} {} {}", total, run, check->position);
  }
  return step;
}

// Checks one record, or one chunk of a collection. Errors: kUnavailable alone; what is wrong goes
// to step->problems.
Status Catalog::CheckNext(Check* check, VerifyStep* step) AUGSTORE_REQUIRES(check->mutex) {
  const RecordKey key = check->todo.front();
  Status found;
  bool done = true;
  switch (key.kind) {
    case RecordKind::kCollection:
      found = CheckChunk(check, key, &done);
      break;
    case RecordKind::kTransform:
      found = GetWeights(key).status();
      break;
    case RecordKind::kHead:
      found = GetLayers(key).status();
      break;
    case RecordKind::kBackbone: {
      const Result<std::string> bytes = store_->ReadRecord(key);
      found = bytes.ok() ? Decode<BackboneRecord>(*bytes).status() : bytes.status();
      break;
    }
    default:
      found = CheckAliases(key);
  }
  if (found.code() == Code::kUnavailable) return found;
  if (!found.ok()) {
    done = true;
    // A record that was deleted in the meantime is no problem.
    const Result<std::string> still_there = store_->ReadRecord(key);
    if (still_there.status().code() != Code::kNotFound) {
      step->problems.push_back(fmt::format("{}: {}", Describe(key), found.message()));
    }
  }
  if (done) {
    check->todo.pop_front();
    check->collection.reset();
    check->digest.reset();
  }
  return OkStatus();
}

Status Catalog::CheckChunk(Check* check, const RecordKey& key, bool* done)
    AUGSTORE_REQUIRES(check->mutex) {
  if (!check->collection.has_value()) {
    AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
    AUGSTORE_ASSIGN(CollectionRecord record, Decode<CollectionRecord>(bytes));
    AUGSTORE_ASSIGN(const SpaceInfo space, store_->FindSpace(record.backbone, record.dtype));
    if (space.dim != record.dim) {
      return DataLoss("its dim is {}, its embeddings' is {}", record.dim, space.dim);
    }
    check->digest.emplace(store_, space.id, record.backbone, record.dim, record.labels);
    check->collection = std::move(record);
    check->chunk = 0;
    check->splits.clear();
  }
  const CollectionRecord& record = *check->collection;
  const uint64_t chunks = ChunkCount(record);
  if (check->chunk < chunks) {
    AUGSTORE_ASSIGN(const SampleChunk chunk, ReadChunk(store_, record, check->chunk));
    AUGSTORE_TRY(check->digest->Add(chunk));
    AUGSTORE_TRY(CountSplits(chunk, &check->splits));
    ++check->chunk;
  }
  *done = check->chunk >= chunks;
  if (!*done) return OkStatus();
  if (check->splits != record.splits) return DataLoss("its splits have other counts than it says");
  const Digest digest = check->digest->Finish();
  if (digest == record.digest) return OkStatus();
  return DataLoss("its content has digest {} instead of {}", digest.Hex(), record.digest.Hex());
}

Status Catalog::CheckAliases(const RecordKey& key) {
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  AUGSTORE_ASSIGN(const AliasHistory history, Decode<AliasHistory>(bytes));
  const size_t slash = key.name.find('/');
  AUGSTORE_ASSIGN(const RecordKind kind, ParseRecordKind(key.name.substr(0, slash)));
  for (const AliasMove& move : history.moves) {
    const RecordKey target{kind, key.name.substr(slash + 1), history.Find(move.alias)};
    const Result<std::string> record = store_->ReadRecord(target);
    if (record.status().code() == Code::kNotFound) {
      return DataLoss("alias '{}' points to {}, which does not exist", move.alias,
                      Describe(target));
    }
    AUGSTORE_TRY(record);
  }
  return OkStatus();
}

}  // namespace augstore
