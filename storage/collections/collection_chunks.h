// How the samples of collection versions are kept in sample lists. Internal to storage.
//
// A commit writes one list, which has only the chunks that it made or changed. Numbers in a list:
//   n < 2^63     the n-th chunk that the commit made: a SampleChunk
//   2^63 + n     what is stored beside it: a ChunkSummary
//   2^64 - 1     the ChunkTable of the version, which is written last
// Chunks without a change stay where they are, in lists of earlier versions, and the table names
// them. So a list stays as long as any version's table names one of its chunks.
#ifndef AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_CHUNKS_H_
#define AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_CHUNKS_H_

#include <memory>
#include <string>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "storage/collections/collection_samples.h"
#include "storage/store/store.h"

namespace augstore {

inline constexpr uint64_t kTableNumber = ~uint64_t{0};
inline constexpr uint64_t SummaryNumber(uint64_t chunk) { return uint64_t{1} << 63 | chunk; }

// The ChunkTable in `list`. Errors: kNotFound (the collection was deleted), kDataLoss.
Result<ChunkTable> ReadTable(Store* store, uint32_t list);
// That of a version. Errors: kDataLoss (also: it is not the table that the record needs).
Result<ChunkTable> ReadTable(Store* store, const CollectionRecord& collection);
// Chunk i of a version. Errors: kDataLoss (not the chunk that the table needs), kNotFound (the
// collection was deleted).
Result<SampleChunk> ReadChunk(Store* store, const ChunkTable& table, size_t i, ChunkShape shape);
Result<ChunkSummary> ReadSummary(Store* store, const ChunkTable& table, size_t i);
ChunkSummary Summarize(const SampleChunk& chunk);
inline ChunkId ChunkOf(const ChunkTable& table, size_t i) {
  return {table.lists[i], table.numbers[i]};
}

// Adds an entry for `chunk`, which has that place.
void AddToTable(const ChunkId& place, const SampleChunk& chunk, ChunkTable* table);
void CopyToTable(const ChunkTable& from, size_t i, ChunkTable* table);
// Whether two versions have the same content at the same rows, views included.
bool SameContent(const ChunkTable& a, const ChunkTable& b);
// The lists that a table names, ascending.
std::vector<uint32_t> ListsOf(const ChunkTable& table);
// Sets what a version's record says of its table: samples, viewed, lists, and then the digest.
void DescribeTable(const ChunkTable& table, CollectionRecord* record);

// Writes the chunks of one commit, several at a time, to a list that it makes when it is needed.
class ChunkWriter {
 public:
  explicit ChunkWriter(Store* store) : store_(store) {}
  // Puts `chunk` at the end of `table`.
  Status Add(const SampleChunk& chunk, ChunkTable* table);
  // Writes what is left, and the table. Returns the list. Once.
  Result<uint32_t> Finish(const ChunkTable& table);
  // Removes what was written; what cannot be removed goes when the store is opened.
  void Drop();

 private:
  Status MakeList();
  Status Flush();

  Store* store_;
  uint32_t list_ = 0;  // 0: none yet
  uint64_t chunks_ = 0;
  std::vector<NumberedChunk> waiting_;
  size_t waiting_bytes_ = 0;
};

// A version's table with the first sample of each of its chunks.
struct PlacedChunks {
  explicit PlacedChunks(ChunkTable of);
  // The chunk that has `sample`. REQUIRES: the version has it.
  size_t ChunkOfSample(SampleId sample) const;

  ChunkTable table;
  std::vector<SampleId> begins;
};

// The tables that were used last. Thread-safe.
class TableCache {
 public:
  explicit TableCache(Store* store) : store_(store) {}
  // Errors: those of ReadTable.
  Result<std::shared_ptr<const PlacedChunks>> Get(const CollectionRecord& collection);

 private:
  static constexpr size_t kTables = 8;  // some 60 bytes for each chunk
  struct Entry {
    uint32_t list;
    std::shared_ptr<const PlacedChunks> chunks;
  };

  Store* store_;
  Mutex mutex_;
  std::vector<Entry> recent_ AUGSTORE_GUARDED_BY(mutex_);  // the last used first
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_COLLECTIONS_COLLECTION_CHUNKS_H_
