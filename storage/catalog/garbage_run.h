// Finding rows that nothing names, and giving their space back. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_GARBAGE_RUN_H_
#define AUGSTORE_STORAGE_CATALOG_GARBAGE_RUN_H_

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/records/garbage.h"
#include "storage/collections/collection_chunks.h"

namespace augstore {

// One run over a store. A row is named by a sample of a version or of a draft; and, unless pairs
// are to go, by being one of a pair: a stored view of an image, or that image. Segments of which no
// row is named are given back; rows beside named ones stay, since a segment is one value.
//
// Whatever becomes named while the run goes on has to be told to it (Mark), or is in a segment that
// came after it began. Memory: a bit for each row, and 40 bytes for each chunk of samples.
//
// Thread-safe.
class GarbageRun {
 public:
  GarbageRun(Store* store, const GarbageOptions& options);

  const GarbageOptions& options() const { return options_; }
  GarbageStep Begun();
  // What there is now; then, once the drafts of now are marked, what versions have. Once each,
  // before any Step. Errors: those of Store::Stats, ListRecords and ReadTable.
  Status Begin();
  Status ListVersions();
  // Rows of a draft; and all rows of a segment of which a writer was told some.
  void Mark(SpaceId space, std::span<const RowId> rows);
  void Keep(SpaceId space, uint64_t segment);
  // A file that cannot be compacted, because it is damaged: the run goes on, and says so at its
  // end.
  void NoteDamage(Status damage);
  // Works until `deadline`, at least a little. Errors: kDataLoss (a record or chunk that is needed
  // to know what is named is damaged), those of the store. Segments are dropped by the last of
  // the calls, some in each.
  Result<GarbageStep> Step(std::chrono::steady_clock::time_point deadline);
  // Segments that the last Step dropped: to be compacted, which takes longer than others should
  // wait for a step. Many together, since each compaction writes whole files. Once for each Step.
  std::optional<SegmentRange> TakeDropped();

 private:
  struct Space {
    SpaceInfo info;             // at the beginning
    std::vector<bool> named;    // by row
    std::vector<bool> garbage;  // by segment, once all is marked
  };
  enum class Phase : uint8_t { kVersions, kPairs, kEntries, kDrop, kDone };

  Status StepOnce() AUGSTORE_REQUIRES(mutex_);
  Status FindChunks() AUGSTORE_REQUIRES(mutex_);
  Status MarkChunk() AUGSTORE_REQUIRES(mutex_);
  Status MarkPairs() AUGSTORE_REQUIRES(mutex_);
  void BeginWindow() AUGSTORE_REQUIRES(mutex_);
  Status FindEntries() AUGSTORE_REQUIRES(mutex_);
  Status DropSegments() AUGSTORE_REQUIRES(mutex_);
  Status DropSome() AUGSTORE_REQUIRES(mutex_);
  void FindGarbage() AUGSTORE_REQUIRES(mutex_);
  void MarkRow(Space* space, RowId row) AUGSTORE_REQUIRES(mutex_);
  bool IsNamed(const Space& space, RowId row) const AUGSTORE_REQUIRES(mutex_);
  // The next page of the image index; goes on to the next space when one is done.
  Result<std::vector<StoredImage>> NextImages(bool* done) AUGSTORE_REQUIRES(mutex_);

  Store* const store_;
  const GarbageOptions options_;
  Mutex mutex_;
  Phase phase_ AUGSTORE_GUARDED_BY(mutex_) = Phase::kVersions;
  GarbageStep found_ AUGSTORE_GUARDED_BY(mutex_);
  std::map<SpaceId, Space> spaces_ AUGSTORE_GUARDED_BY(mutex_);
  // Chunks of versions that are still to be marked, with their space, and those that are.
  std::map<ChunkId, SpaceId> chunks_ AUGSTORE_GUARDED_BY(mutex_);
  std::set<ChunkId> marked_ AUGSTORE_GUARDED_BY(mutex_);
  std::set<ChunkId> gone_ AUGSTORE_GUARDED_BY(mutex_);  // that were not there
  // A version was deleted before its chunks were marked. Another may have been made of it since,
  // which names its rows: versions have to be listed again.
  bool list_again_ AUGSTORE_GUARDED_BY(mutex_) = false;
  // Where a pass over spaces is.
  SpaceId space_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  ContentHash after_ AUGSTORE_GUARDED_BY(mutex_);
  uint64_t segment_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  // Segments of `space_` up to here are dropped next, with these entries of the image index.
  uint64_t window_end_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::vector<StoredImage>> entries_ AUGSTORE_GUARDED_BY(mutex_);
  std::optional<SegmentRange> waiting_ AUGSTORE_GUARDED_BY(mutex_);  // dropped, to be compacted
  std::optional<SegmentRange> dropped_ AUGSTORE_GUARDED_BY(mutex_);
  Status damage_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_GARBAGE_RUN_H_
