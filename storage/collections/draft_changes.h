// What a draft changes of the version that it starts from. Internal to storage.
#ifndef AUGSTORE_STORAGE_COLLECTIONS_DRAFT_CHANGES_H_
#define AUGSTORE_STORAGE_COLLECTIONS_DRAFT_CHANGES_H_

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schemas/records/drafts.h"
#include "storage/collections/collection_chunks.h"
#include "storage/store/store_checks.h"

namespace augstore {

class PrefixSet;
class SharedRowsCounter;
// SampleHash -> index in the draft's samples.
using SampleIndex = std::unordered_map<ContentHash, size_t, ContentHashHasher>;

// Compares a draft with its base, one chunk at a time. Of the base's chunks it reads the
// summaries; a chunk itself only when its summary has a key or an image of the draft. Memory: some
// 40 bytes for each sample of the draft. One thread at a time.
class BaseComparison {
 public:
  // `base` null: there is none. All three must outlive the comparison and stay as they are.
  BaseComparison(const CollectionRecord* base, const SampleChunk& samples,
                 const SampleIndex& index);
  ~BaseComparison();

  // Compares the next chunk of the base. Returns whether all are compared. Errors: those of
  // ReadTable and ReadChunk.
  Result<bool> Step(Store* store);
  DraftProgress progress() const { return {"compare", next_, table_.size()}; }

  // --- Once all are compared ---
  const DraftChanges& changes() const { return changes_; }
  const ChunkTable& table() const { return table_; }  // of the base
  // The samples of base chunks that the new version has otherwise: by chunk, (index in the chunk,
  // index in the draft).
  using Replacements = std::vector<std::pair<size_t, size_t>>;
  const std::map<size_t, Replacements>& replacements() const { return replacements_; }
  // Whether the base has the draft's sample i (as it is or another in its place).
  bool InBase(size_t i) const { return in_base_[i]; }

 private:
  Status Begin(Store* store);
  Status CompareChunk(Store* store, size_t number, const ChunkSummary& summary);
  void CompareSample(const SampleChunk& chunk, size_t i, size_t number, size_t again);
  void Finish();

  const CollectionRecord* base_;
  const SampleChunk& samples_;
  const SampleIndex& index_;
  ChunkTable table_;
  size_t next_ = 0;
  bool begun_ = false;
  DraftChanges changes_;
  std::map<size_t, Replacements> replacements_;
  std::vector<bool> in_base_;
  // Gone once all are compared.
  std::unique_ptr<PrefixSet> known_;
  std::unique_ptr<SharedRowsCounter> shared_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_COLLECTIONS_DRAFT_CHANGES_H_
