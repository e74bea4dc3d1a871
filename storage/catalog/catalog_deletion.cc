// Deleting records, with what names them.
#include <algorithm>

#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/collection_removal.h"
#include "storage/catalog/garbage_run.h"
#include "storage/catalog/record_users.h"
#include "storage/collections/collection_draft.h"
#include "storage/store/row_leases.h"

namespace augstore {
namespace {

constexpr size_t kUsersShown = 5;

std::string Describe(const DeletedRecord& record) {
  const std::string ref =
      fmt::format("{} '{}@{}'", RecordKindName(record.kind), record.name, record.version);
  return record.alias.empty() ? ref : fmt::format("alias '{}' of {}", record.alias, ref);
}

// `asked` and all that name them, however indirectly; those that name others come first.
std::vector<DeletedRecord> WithUsers(const RecordUsers& users, std::vector<DeletedRecord> asked) {
  std::vector<DeletedRecord> all = std::move(asked);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].alias.empty()) continue;
    for (DeletedRecord& user : users.Of({all[i].kind, all[i].name, all[i].version})) {
      const auto same = [&](const DeletedRecord& known) {
        return known.kind == user.kind && known.name == user.name &&
               known.version == user.version && known.alias == user.alias;
      };
      if (std::ranges::none_of(all, same)) all.push_back(std::move(user));
    }
  }
  std::ranges::reverse(all);
  return all;
}

Status RefuseUsers(const std::vector<DeletedRecord>& records, std::string_view ref) {
  std::string text;
  size_t users = 0;
  for (const DeletedRecord& record : records) {
    if (record.reason.empty() || ++users > kUsersShown) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Describe(record), record.reason);
  }
  if (users == 0) return OkStatus();
  if (users > kUsersShown) text += fmt::format(" and {} more", users - kUsersShown);
  return FailedPrecondition(
      "'{}' cannot be deleted while others name it: {}; delete those first, or give --cascade, "
      "which deletes them too (--dry-run lists all)",
      ref, text);
}

}  // namespace

// All versions of a name, or the one that a reference means.
Result<std::vector<DeletedRecord>> Catalog::AskedFor(RecordKind kind, std::string_view text) {
  AUGSTORE_ASSIGN(const Ref ref, ParseRef(text));
  std::vector<DeletedRecord> asked;
  if (ref.version == 0 && ref.alias.empty()) {
    AUGSTORE_ASSIGN(const auto versions, store_->ListRecords(kind, ref.name));
    for (const RecordEntry& entry : versions) {
      asked.push_back({kind, entry.key.name, entry.key.version, "", ""});
    }
    if (!asked.empty()) return asked;
  }
  AUGSTORE_ASSIGN(const RecordKey key, Resolve(kind, text));
  asked.push_back({kind, key.name, key.version, "", ""});
  return asked;
}

Result<Deletion> Catalog::Delete(RecordKind kind, std::string_view ref,
                                 const DeleteOptions& options) {
  if (kind != RecordKind::kCollection && kind != RecordKind::kTransform &&
      kind != RecordKind::kHead) {
    return InvalidArgument("'{}' cannot be deleted: only collections, transforms and heads can",
                           ref);
  }
  const MutexLock lock(registry_mutex_);
  AUGSTORE_ASSIGN(std::vector<DeletedRecord> asked, AskedFor(kind, ref));
  AUGSTORE_ASSIGN(const RecordUsers users, RecordUsers::Load(store_));
  Deletion deletion{WithUsers(users, std::move(asked)), false};
  if (options.preview) return deletion;
  if (!options.cascade) AUGSTORE_TRY(RefuseUsers(deletion.records, ref));
  for (const DeletedRecord& record : deletion.records) AUGSTORE_TRY(DeleteOne(record));
  deletion.applied = true;
  return deletion;
}

Status Catalog::DeleteOne(const DeletedRecord& record) {
  if (!record.alias.empty()) return DropAlias(record);
  const RecordKey key{record.kind, record.name, record.version};
  if (record.kind != RecordKind::kCollection) return store_->DeleteRecord(key);
  AUGSTORE_ASSIGN(const std::string bytes, store_->ReadRecord(key));
  const Result<CollectionRecord> collection = Decode<CollectionRecord>(bytes);
  // The record first: if the process ends in between, Open drops the samples. Those of a damaged
  // record are found then, too.
  AUGSTORE_TRY(store_->DeleteRecord(key));
  return collection.ok() ? DropUnnamedSamples(store_, collection->sample_list) : OkStatus();
}

Status Catalog::DropAlias(const DeletedRecord& record) {
  const RecordKey key = AliasKey(record.kind, record.name);
  AUGSTORE_ASSIGN(AliasHistory history, ReadHistory(store_, key));
  return WriteMoves(
      store_, key, std::move(history),
      {{record.alias, 0, fmt::format("version {} was deleted", record.version), UnixNow(), false}});
}

std::vector<std::shared_ptr<CollectionDraft>> Catalog::AllDrafts() {
  DropIdleDrafts();
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<CollectionDraft>> drafts;
  for (const auto& [id, draft] : drafts_) drafts.push_back(draft);
  return drafts;
}

void Catalog::MarkDrafts(GarbageRun* run) {
  for (const auto& draft : AllDrafts()) {
    const MutexLock lock(draft->mutex);
    for (const auto rows : draft->NamedRows()) run->Mark(draft->space.id, rows);
  }
}

Result<GarbageStep> Catalog::CollectGarbage(uint64_t* run, const GarbageOptions& options,
                                            const Cancellation& cancellation) {
  std::optional<SegmentRange> dropped;
  AUGSTORE_ASSIGN(const GarbageStep step, StepGarbage(run, options, &dropped));
  if (!dropped.has_value()) return step;
  const Status compacted = store_->CompactSegments(*dropped, cancellation.stop());
  if (compacted.code() != Code::kDataLoss) {
    AUGSTORE_TRY(compacted);
    return step;
  }
  NoteGarbageDamage(*run, compacted);
  return step;
}

void Catalog::NoteGarbageDamage(uint64_t number, const Status& damage) {
  const WriterLock lock(garbage_mutex_);
  if (garbage_run_ == nullptr || number != last_garbage_run_) return;
  garbage_run_->NoteDamage(damage);
}

Result<GarbageStep> Catalog::StepGarbage(uint64_t* number, const GarbageOptions& options,
                                         std::optional<SegmentRange>* dropped) {
  const auto deadline = std::chrono::steady_clock::now() + draft_step_;
  const MutexLock turn(garbage_turn_);
  const WriterLock lock(garbage_mutex_);
  if (*number != 0) {
    if (*number == last_garbage_run_ && last_garbage_step_.has_value()) return *last_garbage_step_;
    if (garbage_run_ == nullptr || *number != last_garbage_run_) {
      return FailedPrecondition("the search for garbage {} was ended: begin again", *number);
    }
    if (garbage_run_->options() != options) {
      return InvalidArgument("the search for garbage {} was begun with other options", *number);
    }
  }
  // A run that fails in between knows too little of what is named: it does not come back.
  std::unique_ptr<GarbageRun> run = std::move(garbage_run_);
  if (*number == 0) {
    run = std::make_unique<GarbageRun>(store_, options);
    *number = ++last_garbage_run_;
    last_garbage_step_.reset();
    // Drafts before versions: one that is published meanwhile is among the versions.
    AUGSTORE_TRY(run->Begin());
    for (const auto& [space, segment] : leases_->Held()) run->Keep(space, segment);
    MarkDrafts(run.get());
    AUGSTORE_TRY(run->ListVersions());
    // Nothing is written by the call that begins: it is repeated when its reply is lost.
    garbage_run_ = std::move(run);
    return garbage_run_->Begun();
  }
  AUGSTORE_ASSIGN(GarbageStep step, run->Step(deadline));
  *dropped = run->TakeDropped();
  if (step.phase.empty()) {
    last_garbage_step_ = step;
  } else {
    garbage_run_ = std::move(run);
  }
  return step;
}

}  // namespace augstore
