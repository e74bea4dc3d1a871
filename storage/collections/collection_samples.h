// Samples of collections: checks, and what identifies them. Internal to storage.
#ifndef AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_SAMPLES_H_
#define AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_SAMPLES_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/base/digest.h"
#include "schemas/records/records.h"

namespace augstore {

// What the chunks of a collection version have of each sample.
struct ChunkShape {
  size_t columns = 0;  // label columns
  size_t views = 0;
};
ChunkShape ShapeOf(const CollectionRecord& collection);

// Checks that all vectors have one length, there are `columns` label columns, and split indices are
// in the table. Does not look at rows and views. Errors: kInvalidArgument.
Status CheckSampleChunk(const SampleChunk& chunk, size_t columns);

inline const std::string& SplitOf(const SampleChunk& chunk, size_t i) {
  return chunk.split_names[chunk.splits[i]];
}

// What identifies a sample: a hash of its split and its key.
ContentHash SampleHash(const std::string& split, const std::string& key);
// "sample '<key>' of split '<split>'", for messages.
std::string DescribeSample(const SampleChunk& chunk, size_t i);
// The first 8 bytes of a hash, as summaries have them.
uint64_t Prefix64(const ContentHash& hash);

// Adds the chunk's samples to the counts; a split that is new goes to the end. Errors:
// kInvalidArgument (> kMaxSplits).
Status CountSplits(const SampleChunk& chunk, std::vector<SplitCount>* splits);
Status AddToSplit(const std::string& name, uint64_t samples, std::vector<SplitCount>* splits);

// Samples of the chunk that have all their views; 0 where there are none.
uint32_t CountViewed(const SampleChunk& chunk);

// Puts samples together to a chunk, with a table of the splits that occur in it.
class ChunkBuilder {
 public:
  explicit ChunkBuilder(ChunkShape shape) : views_(shape.views) {
    chunk_.labels.resize(shape.columns);
  }
  // REQUIRES: `from` has the shape's label columns, and its views or none: they are missing then.
  void Add(const SampleChunk& from, size_t i);
  size_t size() const { return chunk_.size(); }
  // The chunk; the builder is empty afterwards.
  SampleChunk Take();

 private:
  SampleChunk chunk_;
  std::vector<std::vector<RowId>> views_;  // of each view
  std::unordered_map<std::string, uint16_t> split_index_;
};

// Of the content of a chunk's samples, and of a collection, whose chunks have `chunks`:
// docs/formats.md. Neither covers where embeddings are stored, nor their values.
Digest ChunkDigest(const SampleChunk& chunk);
Digest CollectionDigest(const CollectionRecord& collection, const std::vector<Digest>& chunks);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_SAMPLES_H_
