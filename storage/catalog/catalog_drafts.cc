// Writing collection versions: drafts are begun, filled and committed.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/catalog_internal.h"
#include "storage/catalog/garbage_run.h"
#include "storage/collections/collection_draft.h"
#include "storage/collections/collection_samples.h"
#include "storage/collections/draft_changes.h"
#include "storage/store/row_leases.h"

namespace augstore {
namespace {

constexpr size_t kMaxDrafts = 64;

Status CheckColumns(const std::vector<LabelColumn>& columns) {
  if (columns.size() > kMaxLabelColumns) {
    return InvalidArgument("{} label columns are given: at most {} are allowed", columns.size(),
                           kMaxLabelColumns);
  }
  std::set<std::string> names;
  for (const LabelColumn& column : columns) {
    if (column.name.empty() || column.name.size() > kMaxNameBytes) {
      return InvalidArgument("a label column's name has {} bytes: give 1 to {}", column.name.size(),
                             kMaxNameBytes);
    }
    if (!names.insert(column.name).second) {
      return InvalidArgument("label column '{}' is given twice", column.name);
    }
    std::set<std::string> classes(column.classes.begin(), column.classes.end());
    if (classes.size() != column.classes.size()) {
      return InvalidArgument("label column '{}' has a class twice", column.name);
    }
  }
  return OkStatus();
}

std::string Names(const std::vector<LabelColumn>& columns) {
  std::string names;
  for (const LabelColumn& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  return names.empty() ? "none" : names;
}

Status CheckCompatible(const Versioned<CollectionRecord>& latest, const DraftSpec& spec) {
  if (latest.record.backbone != spec.backbone) {
    return FailedPrecondition(
        "collection '{}' is of backbone {}, not {}: choose another collection name", latest.ref(),
        latest.record.backbone.Hex(), spec.backbone.Hex());
  }
  if (!spec.start_empty && latest.record.dtype != spec.dtype) {
    return FailedPrecondition(
        "collection '{}' is stored in {}, not in {}: ask for the same dtype, or start empty",
        latest.ref(), DtypeName(latest.record.dtype), DtypeName(spec.dtype));
  }
  const bool same_names =
      std::equal(latest.record.labels.begin(), latest.record.labels.end(), spec.labels.begin(),
                 spec.labels.end(), [](auto& a, auto& b) { return a.name == b.name; });
  if (!spec.start_empty && !spec.views_only && !same_names) {
    return FailedPrecondition(
        "collection '{}' has label columns {}, not {}: name the same in this order, or start empty",
        latest.ref(), Names(latest.record.labels), Names(spec.labels));
  }
  return OkStatus();
}

Status CheckViews(const DraftSpec& spec) {
  if (!spec.views_only) {
    if (spec.views.empty()) return OkStatus();
    return InvalidArgument("a draft of samples has no view sets: begin one that is views_only");
  }
  if (spec.start_empty || spec.replace_samples) {
    return InvalidArgument(
        "a draft of views can neither start empty nor replace samples: it has those of '{}'",
        spec.collection);
  }
  for (size_t i = 0; i < spec.views.size(); ++i) {
    const ViewSet& set = spec.views[i];
    if (set.law.empty() || set.law.size() > kMaxKeyBytes || set.count == 0) {
      return InvalidArgument(
          "view set {} has {} views of law '{}': name a law, and at least one view", i, set.count,
          set.law.substr(0, 100));
    }
    const auto same = [&](const ViewSet& other) {
      return other.law == set.law && other.seed == set.seed;
    };
    if (std::ranges::count_if(spec.views, same) > 1) {
      return InvalidArgument("law '{}' with seed {} comes twice: ask for more views of one set",
                             set.law, set.seed);
    }
  }
  if (CountViews(spec.views) <= kMaxViews) return OkStatus();
  return InvalidArgument("each sample would have {} views: at most {} are allowed",
                         CountViews(spec.views), kMaxViews);
}

// The base's classes keep their numbers; new ones come after them.
Result<std::vector<LabelColumn>> MergeClasses(std::vector<LabelColumn> merged,
                                              const std::vector<LabelColumn>& added) {
  size_t total = 0;
  for (size_t i = 0; i < merged.size(); ++i) {
    std::vector<std::string>& classes = merged[i].classes;
    const std::set<std::string> known(classes.begin(), classes.end());
    for (const std::string& name : added[i].classes) {
      if (!known.contains(name)) classes.push_back(name);
    }
    total += classes.size();
  }
  if (total > kMaxClasses) {
    return InvalidArgument("the collection would have {} classes: at most {} are allowed", total,
                           kMaxClasses);
  }
  return merged;
}

// A key that two writers use for different things must not lose the sample of one of them.
Status RefuseToReplace(const CollectionDraft& draft, const DraftChanges& changes) {
  if (draft.replace_samples || changes.replaced == 0) return OkStatus();
  return FailedPrecondition(
      "{} samples of '{}@{}' would be replaced by others with their keys, such as {} ({} would be "
      "added, {} are there as they are); no version was made: give --replace-samples (in Python "
      "replace_samples=True) to replace them, or name another split or collection",
      changes.replaced, draft.collection, draft.latest, fmt::join(changes.examples, ", "),
      changes.added, changes.left + changes.refilled);
}

}  // namespace

Result<OpenDraft> Catalog::BeginDraft(const DraftSpec& spec, const std::string& owner) {
  AUGSTORE_TRY(ValidateName(spec.collection));
  AUGSTORE_TRY(CheckColumns(spec.labels));
  AUGSTORE_TRY(CheckViews(spec));
  if (spec.source.size() > kMaxTextBytes) {
    return InvalidArgument("the source has {} bytes: at most {} are allowed", spec.source.size(),
                           kMaxTextBytes);
  }
  auto draft = std::make_shared<CollectionDraft>(&draft_memory_);
  AUGSTORE_ASSIGN(draft->space, store_->FindSpace(spec.backbone, spec.dtype));
  draft->owner = owner;
  draft->collection = spec.collection;
  draft->source = spec.source;
  std::vector<LabelColumn> labels = spec.labels;
  for (LabelColumn& column : labels) column.classes.clear();
  const Result<Versioned<CollectionRecord>> latest = LatestCollection(spec.collection);
  if (latest.ok()) {
    AUGSTORE_TRY(CheckCompatible(*latest, spec));
    if (spec.views_only && spec.views_of != latest->version) {
      return FailedPrecondition(
          "the views are of the samples of '{}@{}', and version {} is the latest now: run the same "
          "command again",
          spec.collection, spec.views_of, latest->version);
    }
    draft->latest = latest->version;
    draft->views_only = spec.views_only;
    draft->views = spec.views;
    draft->replace_samples = spec.replace_samples;
    if (!spec.start_empty) {
      draft->base = latest->record;
      labels = latest->record.labels;
    }
  } else if (latest.status().code() != Code::kNotFound || spec.views_only) {
    return latest.status();
  }
  const std::vector<LabelColumn> added = spec.views_only ? labels : spec.labels;
  AUGSTORE_ASSIGN(draft->labels, MergeClasses(std::move(labels), added));
  {
    const MutexLock lock(draft->mutex);
    draft->samples.labels.resize(draft->labels.size());
    size_t bytes = draft->source.size();
    for (const LabelColumn& column : draft->labels) {
      for (const std::string& name : column.classes) bytes += name.size() + sizeof(std::string);
    }
    if (spec.views_only) bytes += latest->record.samples * CountViews(spec.views) * sizeof(RowId);
    AUGSTORE_TRY(draft->Reserve(bytes));
  }

  DropIdleDrafts();
  std::vector<std::shared_ptr<CollectionDraft>> made;  // destroyed without the lock
  const MutexLock lock(mutex_);
  if (drafts_.size() >= kMaxDrafts) {
    std::erase_if(drafts_, [&](const auto& entry) {
      if (entry.second->IsMade()) made.push_back(entry.second);
      return entry.second->IsMade();
    });
  }
  if (drafts_.size() >= kMaxDrafts) {
    return ResourceExhausted(
        "{} collections are being written at the same time, the limit: try again when one is done "
        "(a draft that nothing is appended to for {} minutes is dropped)",
        drafts_.size(), kDraftIdle.count());
  }
  uint32_t id = next_draft_++;
  while (drafts_.contains(id)) id = next_draft_++;
  drafts_[id] = draft;
  return OpenDraft{id, draft->labels};
}

// A writer that died leaves its draft. One that may still be written is never taken from its
// writer.
void Catalog::DropIdleDrafts() {
  std::vector<std::shared_ptr<CollectionDraft>> idle;
  {
    const MutexLock lock(mutex_);
    std::erase_if(drafts_, [&](const auto& entry) {
      if (entry.second->IsIdle()) idle.push_back(entry.second);
      return entry.second->IsIdle();
    });
  }
  for (const auto& draft : idle) {
    const MutexLock lock(draft->mutex);
    draft->aborted = true;  // a commit that has it already must not go on
  }
}

Result<std::shared_ptr<CollectionDraft>> Catalog::FindDraft(uint32_t draft) {
  const MutexLock lock(mutex_);
  const auto found = drafts_.find(draft);
  if (found == drafts_.end()) {
    return NotFound("draft {} does not exist (a restart drops drafts): run the same command again",
                    draft);
  }
  return found->second;
}

Result<std::string> Catalog::OwnerOfDraft(uint32_t draft_id) {
  AUGSTORE_ASSIGN(const std::shared_ptr<CollectionDraft> draft, FindDraft(draft_id));
  return draft->owner;
}

Status Catalog::AppendSamples(uint32_t draft_id, const SampleChunk& samples) {
  AUGSTORE_ASSIGN(const std::shared_ptr<CollectionDraft> draft, FindDraft(draft_id));
  { const MutexLock turn(garbage_turn_); }
  const ReaderLock lock(garbage_mutex_);
  AUGSTORE_ASSIGN(const std::vector<RowId> rows, draft->Append(store_, samples));
  if (garbage_run_ != nullptr) garbage_run_->Mark(draft->space.id, rows);
  return OkStatus();
}

Status Catalog::AppendViews(uint32_t draft_id, SampleId begin,
                            const std::vector<ContentHash>& images) {
  AUGSTORE_ASSIGN(const std::shared_ptr<CollectionDraft> draft, FindDraft(draft_id));
  { const MutexLock turn(garbage_turn_); }
  const ReaderLock lock(garbage_mutex_);
  AUGSTORE_ASSIGN(const std::vector<RowId> rows, draft->AppendViews(store_, begin, images));
  if (garbage_run_ != nullptr) garbage_run_->Mark(draft->space.id, rows);
  return OkStatus();
}

Result<CompareOutcome> Catalog::CompareDraft(uint32_t draft_id) {
  const auto deadline = std::chrono::steady_clock::now() + draft_step_;
  AUGSTORE_ASSIGN(const std::shared_ptr<CollectionDraft> draft, FindDraft(draft_id));
  const MutexLock lock(draft->mutex);
  if (draft->made.has_value()) {
    return FailedPrecondition("draft {} was committed: it is {}", draft_id, Describe(*draft->made));
  }
  try {
    AUGSTORE_ASSIGN(const bool compared, draft->Compare(store_, deadline));
    if (!compared) return CompareOutcome(draft->comparison->progress());
    return CompareOutcome(draft->comparison->changes());
  } catch (...) {
    draft->BeginAgain();
    throw;
  }
}

Result<CommitOutcome> Catalog::CommitDraft(uint32_t draft_id, uint64_t appended) {
  const auto deadline = std::chrono::steady_clock::now() + draft_step_;
  AUGSTORE_ASSIGN(const std::shared_ptr<CollectionDraft> draft, FindDraft(draft_id));
  const MutexLock lock(draft->mutex);
  if (draft->made.has_value()) {
    const Ref ref{draft->made->name, draft->made->version, ""};
    AUGSTORE_ASSIGN(Versioned<CollectionRecord> made, Get<CollectionRecord>(ref.ToString()));
    return CommitOutcome(std::move(made));
  }
  if (draft->aborted) return NotFound("draft {} was aborted: run the same command again", draft_id);
  if (draft->appended() != appended) {
    return FailedPrecondition(
        "draft {} has {} samples, its writer sent {}: some were lost, run the same command again",
        draft_id, draft->appended(), appended);
  }
  AUGSTORE_TRY(draft->CheckComplete());
  try {
    return CommitStep(*draft, deadline);
  } catch (...) {
    draft->BeginAgain();
    throw;
  }
}

Result<CommitOutcome> Catalog::CommitStep(CollectionDraft& draft,
                                          std::chrono::steady_clock::time_point deadline)
    AUGSTORE_REQUIRES(draft.mutex) {
  AUGSTORE_ASSIGN(const bool compared, draft.Compare(store_, deadline));
  if (!compared) return CommitOutcome(draft.comparison->progress());
  AUGSTORE_TRY(RefuseToReplace(draft, draft.comparison->changes()));
  AUGSTORE_ASSIGN(const bool written, draft.Write(store_, deadline));
  if (!written) return CommitOutcome(draft.commit->progress());
  Result<Versioned<CollectionRecord>> published = Publish(draft);
  draft.EndWriting();
  AUGSTORE_TRY(published);
  for (const auto rows : draft.NamedRows()) leases_->End(draft.space.id, rows);
  draft.BecomeVersion({RecordKind::kCollection, published->name, published->version});
  return CommitOutcome(*std::move(published));
}

Result<Versioned<CollectionRecord>> Catalog::Publish(CollectionDraft& draft)
    AUGSTORE_REQUIRES(draft.mutex) {
  const MutexLock lock(registry_mutex_);
  const CollectionRecord& made = draft.commit->Describe();
  Result<Versioned<CollectionRecord>> latest = LatestCollection(draft.collection);
  if (!latest.ok() && latest.status().code() != Code::kNotFound) return latest;
  if (latest.ok() && latest->record.digest == made.digest) {
    AUGSTORE_ASSIGN(const ChunkTable table, ReadTable(store_, latest->record));
    if (SameContent(table, draft.commit->table())) return latest;
  }
  const uint32_t latest_version = latest.ok() ? latest->version : 0;
  if (latest_version != draft.latest) {
    return FailedPrecondition(
        "the latest version of collection '{}' was {} when this draft began and is {} now: run the "
        "same command again",
        draft.collection, draft.latest, latest_version);
  }
  AUGSTORE_TRY(EncodeChecked(made));
  AUGSTORE_ASSIGN(CollectionRecord record, draft.commit->Finish());
  record.created_unix_s = UnixNow();
  AUGSTORE_ASSIGN(const std::string bytes, EncodeChecked(record));
  // When this fails the record may have reached the device all the same: what was written for it
  // stays until Open knows.
  draft.commit.reset();
  AUGSTORE_ASSIGN(const uint32_t version,
                  store_->AddRecord(RecordKind::kCollection, draft.collection, bytes, ""));
  return Versioned<CollectionRecord>{draft.collection, version, std::move(record)};
}

Status Catalog::AbortDraft(uint32_t draft_id) {
  const auto draft = FindDraft(draft_id);  // destroyed without the lock
  AUGSTORE_TRY(draft);
  {
    const MutexLock lock((*draft)->mutex);  // after the step of a commit that is under way
    (*draft)->aborted = true;
    for (const auto rows : (*draft)->NamedRows()) leases_->End((*draft)->space.id, rows);
  }
  const MutexLock lock(mutex_);
  drafts_.erase(draft_id);
  return OkStatus();
}

}  // namespace augstore
