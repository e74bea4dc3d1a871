// The samples of a collection version as they are stored, and its digest. Internal to storage.
#ifndef AUGSTORE_STORAGE_CATALOG_COLLECTION_SAMPLES_H_
#define AUGSTORE_STORAGE_CATALOG_COLLECTION_SAMPLES_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/base/digest.h"
#include "schemas/records/records.h"
#include "storage/store/store.h"

namespace augstore {

// Checks that all vectors have one length, there are `columns` label columns, and split indices are
// in the table. Errors: kInvalidArgument.
Status CheckSampleChunk(const SampleChunk& chunk, size_t columns);

uint64_t ChunkCount(const CollectionRecord& collection);
// Errors: kDataLoss (not the chunk that the collection needs), kNotFound (the collection was
// deleted).
Result<SampleChunk> ReadChunk(Store* store, const CollectionRecord& collection, uint64_t chunk);

inline const std::string& SplitOf(const SampleChunk& chunk, size_t i) {
  return chunk.split_names[chunk.splits[i]];
}

// Adds the chunk's samples to the counts; a split that is new goes to the end. Errors:
// kInvalidArgument (> kMaxSplits).
Status CountSplits(const SampleChunk& chunk, std::vector<SplitCount>* splits);

// Puts samples together to a chunk, with a table of the splits that occur in it.
class ChunkBuilder {
 public:
  explicit ChunkBuilder(size_t columns) { chunk_.labels.resize(columns); }
  // REQUIRES: from.labels.size() == columns.
  void Add(const SampleChunk& from, size_t i);
  size_t size() const { return chunk_.size(); }
  // The chunk; the builder is empty afterwards.
  SampleChunk Take();

 private:
  SampleChunk chunk_;
  std::unordered_map<std::string, uint16_t> split_index_;
};

// SHA-256 over a collection's logical content: docs/formats.md. Reads the embeddings in blocks,
// whatever the chunks' sizes.
class CollectionDigest {
 public:
  CollectionDigest(Store* store, SpaceId space, const Digest& backbone, uint32_t dim,
                   const std::vector<LabelColumn>& labels);
  // The next samples in order. Errors: those of Store::ReadRows.
  Status Add(const SampleChunk& chunk);
  // Once, after the last sample.
  Digest Finish();

 private:
  Store* store_;
  SpaceId space_;
  Matrix block_;
  uint64_t samples_ = 0;
  DigestBuilder builder_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_COLLECTION_SAMPLES_H_
