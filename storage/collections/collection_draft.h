// A collection version while it is being written. Internal to storage.
#ifndef AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_DRAFT_H_
#define AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_DRAFT_H_

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/base/memory_budget.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/records/drafts.h"
#include "storage/collections/draft_changes.h"
#include "storage/collections/draft_commit.h"

namespace augstore {

// A draft that nothing was appended to for so long may be dropped.
inline constexpr std::chrono::minutes kDraftIdle{60};

// Kept in memory: it dies with the process, and its samples are few bytes each.
struct CollectionDraft {
  // All drafts take from `memory`, which outlives them.
  explicit CollectionDraft(MemoryBudget* memory) : memory_(memory) {}
  ~CollectionDraft();
  CollectionDraft(const CollectionDraft&) = delete;
  CollectionDraft& operator=(const CollectionDraft&) = delete;

  Mutex mutex;  // what it does not guard is set once
  std::string owner;
  std::string collection;
  std::string source;
  SpaceInfo space;
  std::vector<LabelColumn> labels;       // merged with the base's
  uint32_t latest = 0;                   // version that was the latest at the beginning, 0: none
  std::optional<CollectionRecord> base;  // what the new version starts from
  bool replace_samples = false;          // those of the base may be replaced
  bool views_only = false;               // it takes views of the base's samples, and no samples
  std::vector<ViewSet> views;            // of the new version, if views_only
  SampleChunk samples AUGSTORE_GUARDED_BY(mutex);  // everything appended so far
  // Of the base's samples, in their order: as many for each as `views` have.
  std::vector<RowId> view_rows AUGSTORE_GUARDED_BY(mutex);
  // Name -> index in samples.split_names.
  using Splits = std::unordered_map<std::string, uint16_t>;
  Splits splits AUGSTORE_GUARDED_BY(mutex);
  SampleIndex index AUGSTORE_GUARDED_BY(mutex);
  // Of the samples so far; none: not begun since the last of them came.
  std::optional<BaseComparison> comparison AUGSTORE_GUARDED_BY(mutex);
  // Begun once all are compared; no samples come any more then.
  std::optional<DraftCommit> commit AUGSTORE_GUARDED_BY(mutex);
  // The version that it became: then nothing else is left of it.
  std::optional<RecordKey> made AUGSTORE_GUARDED_BY(mutex);
  bool aborted AUGSTORE_GUARDED_BY(mutex) =
      false;  // a commit that waits for `mutex` must not go on

  // Takes `bytes` more. Errors: kResourceExhausted (all drafts would take more than they may).
  Status Reserve(size_t bytes) AUGSTORE_REQUIRES(mutex);
  // Whether it was not used for kDraftIdle. Thread-safe, as IsMade.
  bool IsIdle() const { return Clock::now() - last_used_.load() > kDraftIdle; }
  bool IsMade() const { return is_made_; }
  // Returns the rows of the samples. Errors: kInvalidArgument, naming the sample;
  // kResourceExhausted; kFailedPrecondition (it is
  // being committed, or was); nothing is appended then.
  Result<std::vector<RowId>> Append(Store* store, const SampleChunk& chunk);
  // Returns the rows of the views of the base's samples from `begin` on; kNoRow: not stored. May be
  // done again. Errors: kInvalidArgument, kResourceExhausted, kFailedPrecondition; nothing is
  // appended then.
  Result<std::vector<RowId>> AppendViews(Store* store, SampleId begin,
                                         const std::vector<ContentHash>& images);
  // The samples, or the samples with views, that were appended.
  uint64_t appended() const AUGSTORE_REQUIRES(mutex);
  // Whether what was appended can be committed. Errors: kFailedPrecondition.
  Status CheckComplete() const AUGSTORE_REQUIRES(mutex);
  // All rows that it names: of samples, and of views.
  std::array<std::span<const RowId>, 2> NamedRows() const AUGSTORE_REQUIRES(mutex);
  // Goes on with the comparison, or with the writing of chunks, until `deadline`, but at least a
  // little. Returns whether it is over. Errors: those of BaseComparison and DraftCommit.
  using Clock = std::chrono::steady_clock;
  Result<bool> Compare(Store* store, Clock::time_point deadline) AUGSTORE_REQUIRES(mutex);
  Result<bool> Write(Store* store, Clock::time_point deadline) AUGSTORE_REQUIRES(mutex);
  // Removes what was written, if a version does not have it now.
  void EndWriting() AUGSTORE_REQUIRES(mutex);
  // A chunk of the base that is not there: its version was deleted. Other statuses stay.
  Status CheckBase(const Status& status) const;
  // After an exception, which may have left a step half done: the next call compares and writes
  // anew.
  void BeginAgain() noexcept AUGSTORE_REQUIRES(mutex);
  // Lets go of everything but the name of the version that it became.
  void BecomeVersion(RecordKey version) AUGSTORE_REQUIRES(mutex);

 private:
  Status CheckTakes(bool views) const AUGSTORE_REQUIRES(mutex);
  Status CheckSamples(const SampleChunk& chunk) const;
  // The rows of the chunk's images.
  Result<std::vector<RowId>> FindRows(Store* store, const SampleChunk& chunk) const;
  // What a chunk adds to `splits` and to `index`.
  Result<Splits> NewSplits(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  Result<SampleIndex> NewSamples(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  void CheckInvariants() const AUGSTORE_REQUIRES(mutex);

  MemoryBudget* const memory_;
  std::vector<MemoryBudget::Share> shares_;  // changed with `mutex` held
  std::atomic<Clock::time_point> last_used_ = Clock::now();
  std::atomic<bool> is_made_ = false;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_DRAFT_H_
