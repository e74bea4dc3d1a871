// The Catalog resolves names on top of a Store: references and aliases, typed records, and
// collection versions that appear all at once. Everything above storage goes through it.
//
// Thread safety: all methods may be called from any thread.
#ifndef AUGSTORE_STORAGE_CATALOG_CATALOG_H_
#define AUGSTORE_STORAGE_CATALOG_CATALOG_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "schemas/base/memory_budget.h"
#include "schemas/base/names.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/records/deletion.h"
#include "schemas/records/drafts.h"
#include "schemas/records/erasure.h"
#include "schemas/records/garbage.h"
#include "schemas/records/records.h"
#include "schemas/weights/transform_weights.h"
#include "storage/store/store.h"

namespace augstore {

class CatalogVerifier;
class GarbageRun;
class ImageSearch;
class RowLeases;
class TableCache;
struct CollectionDraft;

// What a call that does a bounded amount of work came to: its result, or how far it is. Then the
// same call goes on.
using CompareOutcome = std::variant<DraftChanges, DraftProgress>;
using CommitOutcome = std::variant<Versioned<CollectionRecord>, DraftProgress>;
// How long such a call works.
inline constexpr std::chrono::milliseconds kDraftStep{500};
// Memory for drafts, unless it is set otherwise.
inline constexpr uint64_t kDraftBytes = uint64_t{1} << 30;

struct DeleteOptions {
  bool cascade = false;  // with what names it
  bool preview = false;  // only say what `cascade` would delete
};

// When an alias of a transform may move.
struct AliasGate {
  double min_r2 = 0;
  bool force = false;
};

class Catalog {
 public:
  // `store` must outlive the catalog. Sample lists that belong to no version (a writer died) are
  // dropped. All drafts take `draft_bytes` at most.
  static Result<std::unique_ptr<Catalog>> Open(Store* store,
                                               std::chrono::milliseconds draft_step = kDraftStep,
                                               uint64_t draft_bytes = kDraftBytes);

  ~Catalog();

  Store* store() const { return store_; }

  // The version that `ref` means: its number, its alias, or the latest. Errors: kNotFound, naming
  // what there is instead (the versions, or names that look alike); kInvalidArgument (bad syntax).
  Result<RecordKey> Resolve(RecordKind kind, std::string_view ref);

  // What `ref` means: a backbone, a collection, a transform or a head.
  template <typename Record>
  Result<Versioned<Record>> Get(std::string_view ref);
  // The backbone with this digest. Errors: kNotFound.
  Result<Versioned<BackboneRecord>> FindBackbone(const Digest& digest);
  // The weights of a head, and those of a transform, checked against the record's digest and
  // shapes. Errors: kInvalidArgument (another kind of key), kDataLoss.
  Result<Layers> GetLayers(const RecordKey& head);
  Result<TransformWeights> GetWeights(const RecordKey& transform);

  // Adds the next version. Backbones: adding the same digest under the same name again returns the
  // existing version. Errors: kInvalidArgument (bad name, bad dims, weights that do not match the
  // record, a card value that is not finite), kFailedPrecondition (a transform or head whose dim
  // differs from its backbone's, naming both).
  Result<RecordKey> AddBackbone(const std::string& name, const BackboneRecord& record);
  Result<RecordKey> AddTransform(const std::string& name, TransformRecord record,
                                 std::string_view safetensors);
  Result<RecordKey> AddHead(const std::string& name, HeadRecord record,
                            std::string_view safetensors);

  // Moves an alias; the move is appended to the name's history. An alias of a transform goes to a
  // version whose card shows that it is worth applying: the 95 % interval of G on held-out pairs
  // lies above `gate.min_r2`. `gate.force` moves it all the same, and the history says so.
  // Errors: kNotFound (name or version), kInvalidArgument, kFailedPrecondition (the card does not
  // allow it, with its figures).
  Status SetAlias(RecordKind kind, const std::string& name, const std::string& alias,
                  uint32_t version, const std::string& note, const AliasGate& gate = {});
  Result<AliasHistory> GetAliases(RecordKind kind, const std::string& name);

  // --- Collection versions ---
  // Errors: kNotFound (backbone has no space yet: append rows first), kFailedPrecondition (the
  // collection's latest version is of another backbone: naming both; or its label columns have
  // other names), kInvalidArgument; for a draft of views, kNotFound (there is no version that could
  // have them).
  // `owner`: whose it is; for callers, who refuse it to others.
  Result<OpenDraft> BeginDraft(const DraftSpec& spec, const std::string& owner = "");
  // Errors: kNotFound, as AppendSamples.
  Result<std::string> OwnerOfDraft(uint32_t draft);
  // Samples in order; any number of chunks of any size up to kMaxBatchRows. Their images are
  // stored; `rows` is empty. Errors: kNotFound (no such draft: it was dropped by a restart, run the
  // same command again), kInvalidArgument (labels out of range, vectors of unequal length, an image
  // that is not stored, a (split, key) that this draft has already; each names the sample),
  // kFailedPrecondition (it is being committed).
  Status AppendSamples(uint32_t draft, const SampleChunk& samples);
  // For a draft of views: those of the base's samples from `begin` on, at most where the views
  // before ended, as many for each sample as the draft's view sets have. Errors: kNotFound (no such
  // draft), kInvalidArgument (others are due), kFailedPrecondition (the draft takes samples; it is
  // being committed), kResourceExhausted.
  Status AppendViews(uint32_t draft, SampleId begin, const std::vector<ContentHash>& images);
  // What committing the draft with the samples so far would do. Errors: kNotFound (draft),
  // kFailedPrecondition (it was committed), those of Store::ReadSampleChunk.
  Result<CompareOutcome> CompareDraft(uint32_t draft);
  // Makes the version, in several calls when it is large: a version appears in the last of them.
  // Content equal to the latest version's, at the same rows: that version comes back and none is
  // made. A further call returns the version that was made. Errors: kNotFound (draft),
  // kFailedPrecondition (`appended` differs from what arrived; no samples at all; samples would be
  // replaced, counted, and the draft's spec does not allow it; another writer made a version
  // meanwhile).
  Result<CommitOutcome> CommitDraft(uint32_t draft, uint64_t appended);
  Status AbortDraft(uint32_t draft);
  // Samples [begin, begin + count) of a version; fewer at the end. Errors: kInvalidArgument (begin
  // > samples).
  Result<SampleChunk> GetSamples(const CollectionRecord& collection, SampleId begin,
                                 uint64_t count);

  MemoryBudget& draft_memory() { return draft_memory_; }

  // --- Rows ---
  // As Store::FindImages and AppendRows. The segments of the rows that come back are not given back
  // as garbage for kDraftIdle, since samples are going to name them. AppendRows, further:
  // kFailedPrecondition (an image that is being erased, or a view of one).
  Status FindImages(SpaceId space, std::span<const ContentHash> images, std::span<RowId> rows);
  struct NewRows {
    std::span<const ContentHash> images;
    ConstMatrixView embeddings;
    QuantizedView feature_maps;
    std::span<const ContentHash> sources;
  };
  Status AppendRows(SpaceId space, const NewRows& fresh, std::span<RowId> rows);

  // --- Deletion ---
  // Deletes a collection, a transform or a head: the version that `ref` means, or all versions of a
  // name. Embeddings stay, and version numbers are never reused. Aliases that point to it and heads
  // whose lineage names it go first, and what names those; without `cascade` it is refused when
  // there are any. If the process ends in between, what is left can be deleted again. Errors:
  // kNotFound, kInvalidArgument (another kind), kFailedPrecondition (others name it: says which).
  Result<Deletion> Delete(RecordKind kind, std::string_view ref, const DeleteOptions& options = {});
  // Looks for rows that nothing names, and gives their space back. `run` 0 begins a run, in place
  // of one that is going on; its number comes back through `run`, for the next call. Errors:
  // kFailedPrecondition (another run began), kInvalidArgument (it was begun with other options),
  // those of GarbageRun; kUnavailable (`cancellation` ended the rewriting of files: what was
  // dropped stays dropped, RocksDB gives its space back later). The last step of a run is answered
  // again.
  Result<GarbageStep> CollectGarbage(uint64_t* run, const GarbageOptions& options,
                                     const Cancellation& cancellation = {});

  // Erases an image from every collection version: a version without it replaces those of a
  // collection that have it, which then say so; aliases move; its rows, maps and views go. Heads
  // that were trained on it stay and are named. `run` as in CollectGarbage. Errors: kNotFound
  // (nothing has the image), kInvalidArgument (the key is in several splits; another target),
  // kFailedPrecondition (another run began; a collection that is being written has the image),
  // kDataLoss (what has it is damaged: nothing was changed, or the same can be done again),
  // kUnavailable (`cancellation` ended it before its end: the same is to be done again).
  Result<ErasureStep> EraseSample(uint64_t* run, const ErasureTarget& target,
                                  const Cancellation& cancellation = {});

  // Store::Verify, then that every version's samples point at rows, its digest holds, and all
  // weights match their digests.
  Result<VerifyStep> Verify(const std::string& cursor, const Cancellation& cancellation = {});

 private:
  Catalog(Store* store, std::chrono::milliseconds draft_step, uint64_t draft_bytes);

  Result<Versioned<CollectionRecord>> LatestCollection(
      const std::string& name);  // kNotFound: there is none
  // Of a reference that means something; the message of kNotFound does not say what there is.
  Result<RecordKey> ResolveExisting(RecordKind kind, const Ref& ref);
  Status CheckSpace(const Digest& backbone, uint32_t dim);
  // Whether the transform's backbone returns the feature map that it reads.
  Status CheckFeatureMap(const TransformRecord& transform);
  Result<std::shared_ptr<CollectionDraft>> FindDraft(uint32_t draft);
  Result<CommitOutcome> CommitStep(CollectionDraft& draft,
                                   std::chrono::steady_clock::time_point deadline);
  Result<Versioned<CollectionRecord>> Publish(CollectionDraft& draft);
  Result<std::vector<DeletedRecord>> AskedFor(RecordKind kind, std::string_view text);
  Status DeleteOne(const DeletedRecord& record) AUGSTORE_REQUIRES(registry_mutex_);
  Status DropAlias(const DeletedRecord& record) AUGSTORE_REQUIRES(registry_mutex_);
  void DropIdleDrafts();
  std::vector<std::shared_ptr<CollectionDraft>> AllDrafts();
  void MarkDrafts(GarbageRun* run);
  // Says through `dropped` what is to be compacted.
  Result<GarbageStep> StepGarbage(uint64_t* number, const GarbageOptions& options,
                                  std::optional<SegmentRange>* dropped);
  void NoteGarbageDamage(uint64_t number, const Status& damage);
  Result<std::unique_ptr<ImageSearch>> BeginErasure(const ErasureTarget& target)
      AUGSTORE_REQUIRES(erasure_mutex_);
  Status KeepFromAppending(const ImageSearch& search, bool known);
  // Erases what was found, and what versions that came since have.
  Status Erase(ImageSearch* search, const std::stop_token& stop);
  Status CheckReadable(const ImageSearch& search);
  Status RefuseDraftsWith(const ImageSearch& search);
  // By the names of collections; 0: no sample is left.
  Result<std::map<std::string, uint32_t>> AddSuccessors(const ImageSearch& search)
      AUGSTORE_REQUIRES(registry_mutex_);
  Status DeleteReplaced(const ImageSearch& search,
                        const std::map<std::string, uint32_t>& successors)
      AUGSTORE_REQUIRES(registry_mutex_);
  // Of a version, to the one that replaces it; 0: they go.
  Status MoveAliases(const RecordKey& version, uint32_t replaced_by)
      AUGSTORE_REQUIRES(registry_mutex_);
  // Errors: kNotFound (the version was erased: says so).
  Status ExplainErasure(const Ref& ref);

  Store* store_;
  const std::chrono::milliseconds draft_step_;
  // Serialises commits, alias moves, deletions and new backbones: each reads the registry, decides,
  // and writes. Order of locking: garbage_mutex_, a draft's mutex, then registry_mutex_ or mutex_,
  // never both.
  Mutex registry_mutex_;
  Mutex mutex_;
  MemoryBudget draft_memory_;  // before the drafts, which take from it
  std::map<uint32_t, std::shared_ptr<CollectionDraft>> drafts_ AUGSTORE_GUARDED_BY(mutex_);
  uint32_t next_draft_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<CatalogVerifier> verifier_;
  // Held for reading while samples come to name rows, and writers are told of rows; for writing
  // while rows are given back. `garbage_turn_` is taken before it, so that a writer is not kept
  // waiting by readers that come one after the other.
  Mutex garbage_turn_;
  SharedMutex garbage_mutex_;
  std::unique_ptr<GarbageRun> garbage_run_ AUGSTORE_GUARDED_BY(garbage_mutex_);
  uint64_t last_garbage_run_ AUGSTORE_GUARDED_BY(garbage_mutex_) = 0;
  std::optional<GarbageStep> last_garbage_step_ AUGSTORE_GUARDED_BY(garbage_mutex_);
  const std::unique_ptr<RowLeases> leases_;
  // The image that is being erased, until its writer has not called for so long.
  std::optional<ContentHash> erased_ AUGSTORE_GUARDED_BY(garbage_mutex_);
  std::chrono::steady_clock::time_point erased_until_ AUGSTORE_GUARDED_BY(garbage_mutex_);
  Mutex erasure_mutex_;  // before all others
  std::unique_ptr<ImageSearch> erasure_ AUGSTORE_GUARDED_BY(erasure_mutex_);
  ErasureTarget erasure_target_ AUGSTORE_GUARDED_BY(erasure_mutex_);
  uint64_t last_erasure_ AUGSTORE_GUARDED_BY(erasure_mutex_) = 0;
  std::optional<ErasureStep> last_erasure_step_ AUGSTORE_GUARDED_BY(erasure_mutex_);
  std::unique_ptr<TableCache> tables_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_CATALOG_H_
