// A Store keeps embeddings, sample lists and registry records. It is cut at the level of rows and
// records, is blocking and batched, and has two implementations behind one contract
// (tests/storage/store/store_contract.h): RocksDB and memory.
//
// What is stored never changes: rows and sample chunks are written once, records are immutable
// versions (the alias history alone is overwritten). So reads need no locks and nothing is ever
// invalidated.
//
// Thread safety: all methods may be called from any thread. Writes of one store are serialised
// inside. Durability: when a writing method returns ok, the data survives a crash of the process
// and of the machine. Errors of all methods: kUnavailable (the device or a remote peer does not
// answer: retry the same call), kDataLoss (stored bytes fail their checksum: run `augstore
// verify`), kFailedPrecondition (the store stopped taking writes after a failed one: reopen it).
// Each method names its further errors.
#ifndef AUGSTORE_STORAGE_STORE_STORE_H_
#define AUGSTORE_STORAGE_STORE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "schemas/base/cancellation.h"
#include "schemas/base/types.h"
#include "schemas/records/records.h"
#include "schemas/weights/quantized_rows.h"

namespace augstore {

using SpaceId = uint32_t;

// What is stored of an image.
enum class RowPart : uint8_t { kEmbedding, kMap };

struct SpaceInfo {
  SpaceId id = 0;
  Digest backbone;
  uint32_t dim = 0;
  uint64_t rows = 0;      // stored embeddings
  uint64_t segments = 0;  // stored segments
  Dtype dtype = Dtype::kF32;
};

struct RecordKey {
  RecordKind kind = RecordKind::kCollection;
  std::string name;
  uint32_t version = 0;
  auto operator<=>(const RecordKey&) const = default;
};

struct RecordEntry {
  RecordKey key;
  std::string bytes;
};

struct StoredImage {
  ContentHash image;
  RowId row = kNoRow;
  std::optional<ContentHash> source;  // of which it is a view
  bool erased = false;                // its row is; the entry is left until ForgetImages
};

struct DroppedSegments {
  uint64_t segments = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  bool compact = false;  // files still hold what was dropped, now or earlier
};

// Segments [begin, end) of a space.
struct SegmentRange {
  SpaceId space = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// A chunk of a sample list: bytes that the catalog encodes, under a number that it chooses.
struct ChunkId {
  uint32_t list = 0;
  uint64_t number = 0;
  auto operator<=>(const ChunkId&) const = default;
};
struct NumberedChunk {
  uint64_t number = 0;
  std::string bytes;
};

struct StoreStats {
  std::string id;  // random, 32 hexadecimal digits, made with the store
  std::vector<SpaceInfo> spaces;
  uint64_t disk_bytes = 0;      // 0 for a store in memory
  uint64_t resident_bytes = 0;  // of segments kept in memory
  uint64_t memory_budget_bytes = 0;
  std::string write_error;  // why no writes are taken; empty: they are
};

class Store {
 public:
  virtual ~Store() = default;

  // --- Registry ---
  // Stores `bytes` (and `blob`, read separately) as the next version of (kind, name) and returns
  // the version: 1 for the first; never a number that was used before, also after DeleteRecord.
  // Record and blob become visible together.
  virtual Result<uint32_t> AddRecord(RecordKind kind, const std::string& name,
                                     std::string_view bytes, std::string_view blob) = 0;
  // Writes version 1 of (kind, name), replacing it: for kinds without versions alone
  // (kAliases, kKey, kErasure).
  virtual Status PutRecord(RecordKind kind, const std::string& name, std::string_view bytes) = 0;
  // Errors: kNotFound.
  virtual Result<std::string> ReadRecord(const RecordKey& key) = 0;
  // Errors: kNotFound. A record without a blob returns an empty string.
  virtual Result<std::string> ReadBlob(const RecordKey& key) = 0;
  // All versions of `name`, or of all names when it is empty; ordered by name, then version.
  virtual Result<std::vector<RecordEntry>> ListRecords(RecordKind kind,
                                                       const std::string& name) = 0;
  // The newest version of `name`, however many there are. Errors: kNotFound.
  virtual Result<RecordEntry> LatestRecord(RecordKind kind, const std::string& name) = 0;
  // The names of a kind in order, `most` of them at most.
  virtual Result<std::vector<std::string>> ListNames(RecordKind kind, size_t most) = 0;
  // Errors: kNotFound.
  virtual Status DeleteRecord(const RecordKey& key) = 0;

  // --- Spaces: the embeddings of one backbone, stored in one dtype ---
  // The space of `backbone` and `dtype`, created when absent. Errors: kFailedPrecondition (the
  // backbone has one with another dim).
  virtual Result<SpaceId> OpenSpace(const Digest& backbone, uint32_t dim,
                                    Dtype dtype = Dtype::kF32) = 0;
  // Errors: kNotFound.
  virtual Result<SpaceInfo> FindSpace(const Digest& backbone, Dtype dtype = Dtype::kF32) = 0;
  // rows[i] = the row of images[i], or kNoRow. REQUIRES: equal sizes.
  virtual Status FindImages(SpaceId space, std::span<const ContentHash> images,
                            std::span<RowId> rows) = 0;
  // Stores embeddings.row(i), rounded to the space's dtype, for images[i] and returns its row. An
  // image that is stored already, or that occurs earlier in `images`, keeps its first row. Each
  // segment (kSegmentRows rows) is one atomic, synced write; a call of more than kSegmentRows new
  // rows may therefore be stored in part when it fails. With `feature_maps` (as many rows) the
  // feature map of each new image is stored with its embedding, in the same write. With `sources`
  // (as many) each new image is noted as a view of that one. Errors:
  // kInvalidArgument (columns, NaN, infinity, a value that the dtype cannot hold),
  // kFailedPrecondition (an image that is erased and not forgotten). REQUIRES: images.size() ==
  // rows.size() == embeddings.rows.
  virtual Status AppendRows(SpaceId space, std::span<const ContentHash> images,
                            ConstMatrixView embeddings, std::span<RowId> rows,
                            const QuantizedView& feature_maps = {},
                            std::span<const ContentHash> sources = {}) = 0;
  // out.row(i) = the embedding at rows[i], in the order asked; duplicates are allowed. On error
  // `out` is unspecified. Errors: kNotFound (a row that was never written, named), kInvalidArgument
  // (out.cols is not the space's dim); those of `cancellation`, which is asked before each read of
  // what is not in memory. REQUIRES: rows.size() == out.rows.
  virtual Status ReadRows(SpaceId space, std::span<const RowId> rows, MatrixView out,
                          const Cancellation& cancellation = {}) = 0;
  // The same as the stored bytes of each row, in the space's dtype (schemas/weights/dtype.h).
  // REQUIRES: out.size() == rows.size() * RowBytes(dtype, dim).
  virtual Status ReadStoredRows(SpaceId space, std::span<const RowId> rows, std::span<uint8_t> out,
                                const Cancellation& cancellation = {}) = 0;
  // out.row(i) = the feature map stored with rows[i]. Errors: as ReadRows; kFailedPrecondition (the
  // row was stored without one, or with one of another size).
  virtual Status ReadFeatureMaps(SpaceId space, std::span<const RowId> rows, MatrixView out,
                                 const Cancellation& cancellation = {}) = 0;

  // Whether these rows can be read: what the last Verify said of their segments, else by reading
  // them. Errors: kNotFound (a row that was never written), kDataLoss (a damaged segment); both
  // name one.
  virtual Status CheckRows(SpaceId space, std::span<const RowId> rows) = 0;

  // --- Giving space back ---
  // `most` images of a space at most, in the order of their hashes, that come after `after` (all
  // zeros: from the first on).
  virtual Result<std::vector<StoredImage>> ListImages(SpaceId space, const ContentHash& after,
                                                      size_t most) = 0;
  // Takes images out of the index that still have these rows; the rows stay.
  virtual Status ForgetImages(SpaceId space, std::span<const StoredImage> images) = 0;
  // Drops segments: their rows do not exist any more. Those that are damaged or were dropped
  // already are left out. Without `apply` only says how much it would be. REQUIRES:
  // no image of the index has a row in them.
  virtual Result<DroppedSegments> DropSegments(SpaceId space, std::span<const uint64_t> segments,
                                               bool apply) = 0;
  // Rows that do not exist any more, for themselves: their segments are written anew without their
  // values, and FindImages does not find the images any more, but ListImages does, until they are
  // forgotten: so that what was cut off before CompactSegments is found again. After
  // CompactSegments of their segments no file of the store has the values. Errors: kDataLoss (a
  // segment is damaged).
  virtual Status EraseImages(SpaceId space, std::span<const StoredImage> images) = 0;
  // Rewrites the files that hold these segments, without what was dropped or erased: only then it
  // is gone. May take long; others read and write meanwhile. Errors: kDataLoss (one of the files
  // is damaged, and stays as it is), kUnavailable (`stop` was requested: some files may be
  // rewritten, the others stay).
  virtual Status CompactSegments(const SegmentRange& range, const std::stop_token& stop = {}) = 0;

  // A hint: a part of these rows will be read soon. Does not wait; what is not in memory may be
  // loaded meanwhile, as long as `wanted` has not expired.
  virtual void ReadAheadOf(SpaceId space, RowPart part, std::span<const RowId> rows,
                           const std::weak_ptr<const void>& wanted) = 0;
  // Bytes of rows that the store keeps in memory at most; 0 when it has nowhere else to keep them.
  virtual uint64_t MemoryBudget() const = 0;

  // --- Sample lists: what the versions of collections consist of ---
  // A new, empty list's id.
  virtual Result<uint32_t> NewSampleList() = 0;
  // Writes chunks of a list, all or none. Errors: kNotFound (no such list).
  virtual Status PutSampleChunks(uint32_t list, std::span<const NumberedChunk> chunks) = 0;
  // Errors: kNotFound.
  virtual Result<std::string> ReadSampleChunk(const ChunkId& chunk) = 0;
  // Removes lists with all their chunks, and single chunks of other lists; all or nothing. What
  // does not exist is no error.
  virtual Status DropSamples(std::span<const uint32_t> lists, std::span<const ChunkId> chunks) = 0;
  virtual Result<std::vector<uint32_t>> ListSampleLists() = 0;

  // --- Health ---
  virtual Result<StoreStats> Stats() = 0;
  // Checks a bounded part of the store (checksums, sizes, that every indexed image has its row).
  // Begin with an empty cursor, and go on until `cursor` comes back empty. Errors: those of
  // `cancellation`, which is asked before each read.
  virtual Result<VerifyStep> Verify(const std::string& cursor,
                                    const Cancellation& cancellation = {}) = 0;
  // Looks for images whose row, or feature map, fails its checksum or is gone, and with `apply`
  // takes them out of the image index, so that AppendRows stores them under new rows. Cursors as
  // those of Verify.
  virtual Result<RepairRowsStep> RepairRows(const std::string& cursor, bool apply) = 0;
};

enum class StoreAccess : uint8_t {
  // Changes no byte and takes no lock: of a folder that cannot be written, or beside the process
  // that has the store open. What that process writes later is not seen. Writing methods return
  // kFailedPrecondition.
  kRead,
  kWrite,
  kCreate,  // kWrite, and makes the store when the folder has none
};

struct StoreOptions {
  StoreAccess access = StoreAccess::kCreate;
  uint64_t memory_budget_bytes = 2ull << 30;  // of segments kept in memory for reading
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_STORE_H_
