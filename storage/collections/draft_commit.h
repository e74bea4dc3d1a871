// Writing the samples of a new collection version. Internal to storage.
#ifndef AUGSTORE_STORAGE_COLLECTIONS_DRAFT_COMMIT_H_
#define AUGSTORE_STORAGE_COLLECTIONS_DRAFT_COMMIT_H_

#include <optional>
#include <span>
#include <vector>

#include "storage/collections/draft_changes.h"

namespace augstore {

// Makes the chunks that differ from the base's, one at a time: those with replaced samples, then
// the last one of the base if it has room, filled up with the added samples, then the others'. All
// of them have kSampleChunkRows samples but the last, and those that an erased sample made shorter.
// With view rows, every chunk of the base differs. One thread at a time.
class DraftCommit {
 public:
  // The comparison is over. It and `samples`, those of the draft, must outlive the commit.
  // `record`: of the new version; its labels are merged, its splits are those of the base.
  DraftCommit(Store* store, const BaseComparison* comparison, const SampleChunk& samples,
              CollectionRecord record);
  // All samples get these views in place of the base's: the rows of the first sample, then those
  // of the next. The rows must outlive the commit. REQUIRES: no Step yet; the draft has no samples;
  // as many rows as the samples of the base have views in `sets`.
  void SetViews(std::vector<ViewSet> sets, std::span<const RowId> rows);

  // Writes the next chunk. Returns whether all are written. Errors: those of ReadChunk and
  // Store::PutSampleChunks; kInvalidArgument (too many splits or samples). After an error: Drop.
  Result<bool> Step();
  DraftProgress progress() const;

  // --- Once all are written ---
  // The record, complete but for its time and its list.
  const CollectionRecord& Describe();
  const ChunkTable& table() const { return table_; }
  // Writes the table and returns the record with its list. Once.
  Result<CollectionRecord> Finish();
  // Removes what was written.
  void Drop() { writer_.Drop(); }

 private:
  const ChunkTable& base() const { return comparison_->table(); }
  bool IsFilledUp(size_t chunk) const;
  bool IsRewritten(size_t chunk) const;
  // Chunk i of the base with the samples that replace its own.
  Result<SampleChunk> ReplacedChunk(size_t i);
  // The views of the next samples of the base.
  void PutViews(SampleChunk* chunk);
  Status WriteAdded();

  Store* store_;
  const BaseComparison* comparison_;
  const SampleChunk& samples_;
  CollectionRecord record_;
  ChunkWriter writer_;
  ChunkTable table_;
  std::optional<std::span<const RowId>> views_;
  const ChunkShape base_shape_;
  size_t next_view_ = 0;       // in views_
  std::vector<size_t> added_;  // indices of the draft's samples that the base lacks
  size_t next_added_ = 0;
  size_t total_ = 0;  // chunks to write
  size_t written_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_COLLECTIONS_DRAFT_COMMIT_H_
