// The store in a folder, on RocksDB. Internal to storage/rocksdb: callers use OpenRocksDbStore
// (storage/rocksdb/rocksdb_open.h).
//
// Who guards what: write_mutex_ serialises every write; error_mutex_ what became of them;
// spaces_mutex_ guards the list of spaces (a Space, once made, lives as long as the store, and its
// counters are atomic); RocksDB and the cache take care of themselves.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_STORE_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_STORE_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"
#include "storage/rocksdb/rocksdb_folder.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_options.h"
#include "storage/rocksdb/rocksdb_recovery.h"
#include "storage/rocksdb/store_mark.h"
#include "storage/store/read_ahead.h"
#include "storage/store/segment_cache.h"
#include "storage/store/store.h"

namespace augstore {

class RocksDbStore final : public Store {
 public:
  // `env`, for tests with files that fail, must outlive the store.
  static Result<std::unique_ptr<Store>> Open(const std::string& path, const StoreOptions& options,
                                             rocksdb::Env* env = rocksdb::Env::Default());
  // Over a database that is open for reading, whose files are those of `env`. `keeps` lives as long
  // as the store.
  static Result<std::unique_ptr<Store>> Over(const std::string& path, OpenedDatabase opened,
                                             rocksdb::Env* env, std::shared_ptr<const void> keeps);
  ~RocksDbStore() override;

  Result<uint32_t> AddRecord(RecordKind kind, const std::string& name, std::string_view bytes,
                             std::string_view blob) override;
  Status PutRecord(RecordKind kind, const std::string& name, std::string_view bytes) override;
  Result<std::string> ReadRecord(const RecordKey& key) override;
  Result<std::string> ReadBlob(const RecordKey& key) override;
  Result<std::vector<RecordEntry>> ListRecords(RecordKind kind, const std::string& name) override;
  Result<RecordEntry> LatestRecord(RecordKind kind, const std::string& name) override;
  Result<std::vector<std::string>> ListNames(RecordKind kind, size_t most) override;
  Status DeleteRecord(const RecordKey& key) override;

  Result<SpaceId> OpenSpace(const Digest& backbone, uint32_t dim, Dtype dtype) override;
  Result<SpaceInfo> FindSpace(const Digest& backbone, Dtype dtype) override;
  Status FindImages(SpaceId space, std::span<const ContentHash> images,
                    std::span<RowId> rows) override;
  Status AppendRows(SpaceId space, std::span<const ContentHash> images, ConstMatrixView embeddings,
                    std::span<RowId> rows, const QuantizedView& feature_maps,
                    std::span<const ContentHash> sources) override;
  Status ReadRows(SpaceId space, std::span<const RowId> rows, MatrixView out,
                  const Cancellation& cancellation) override;
  Status ReadStoredRows(SpaceId space, std::span<const RowId> rows, std::span<uint8_t> out,
                        const Cancellation& cancellation) override;
  Status ReadFeatureMaps(SpaceId space, std::span<const RowId> rows, MatrixView out,
                         const Cancellation& cancellation) override;
  Status CheckRows(SpaceId space, std::span<const RowId> rows) override;
  Result<std::vector<StoredImage>> ListImages(SpaceId space, const ContentHash& after,
                                              size_t most) override;
  Status ForgetImages(SpaceId space, std::span<const StoredImage> images) override;
  Result<DroppedSegments> DropSegments(SpaceId space, std::span<const uint64_t> segments,
                                       bool apply) override;
  Status EraseImages(SpaceId space, std::span<const StoredImage> images) override;
  Status CompactSegments(const SegmentRange& range, const std::stop_token& stop) override;
  void ReadAheadOf(SpaceId space, RowPart part, std::span<const RowId> rows,
                   const std::weak_ptr<const void>& wanted) override;
  uint64_t MemoryBudget() const override { return cache_.budget_bytes(); }

  Result<uint32_t> NewSampleList() override;
  Status PutSampleChunks(uint32_t list, std::span<const NumberedChunk> chunks) override;
  Result<std::string> ReadSampleChunk(const ChunkId& chunk) override;
  Status DropSamples(std::span<const uint32_t> lists, std::span<const ChunkId> chunks) override;
  Result<std::vector<uint32_t>> ListSampleLists() override;

  Result<StoreStats> Stats() override;
  Result<VerifyStep> Verify(const std::string& cursor, const Cancellation& cancellation) override;
  Result<RepairRowsStep> RepairRows(const std::string& cursor, bool apply) override;

  // --- For backups (storage/backup) ---
  const std::string& path() const { return path_; }
  const std::string& id() const { return id_; }
  rocksdb::Env* env() const { return env_; }
  rocksdb::DB* database() const { return db_.get(); }
  // Moves what is in memory to tables. Errors: kUnavailable.
  Status FlushAll();
  // Runs `work` while nobody writes, so that writers wait for it. Errors: kFailedPrecondition (the
  // store is open for reading, or takes no writes since one failed); those of `work`.
  Status WithoutWrites(const std::function<Status()>& work);

 private:
  using enum rocks::Family;

  struct Space {
    SpaceId id = 0;
    Digest backbone;
    uint32_t dim = 0;
    std::atomic<uint64_t> rows = 0;
    std::atomic<uint64_t> segments = 0;
    Dtype dtype = Dtype::kF32;
    std::array<SegmentDirectory, 2> directories;  // of the cache, by RowPart
    SegmentDirectory& directory(RowPart part) { return directories.at(static_cast<size_t>(part)); }
    SpaceInfo info() const { return {id, backbone, dim, rows, segments, dtype}; }
    std::string name() const { return fmt::format("space {}", id); }
  };

  RocksDbStore(std::string path, const StoreOptions& options, rocksdb::Env* env);

  // --- Opening (rocksdb_store.cc) ---
  Status OpenToRead();
  Status OpenToWrite(bool create);
  Status OpenDb();
  Status CheckFormat();
  Status CreateIdentity();
  Status LoadSpaces();

  // --- Access to RocksDB (rocksdb_store.cc) ---
  rocksdb::ColumnFamilyHandle* family(rocks::Family family) const { return handles_[family]; }
  // Nothing when the key does not exist.
  Result<std::optional<std::string>> Get(rocks::Family family, std::string_view key,
                                         std::string_view what);
  std::unique_ptr<rocksdb::Iterator> NewIterator(rocks::Family family);
  // A stored integer, or `absent` when the key does not exist. Errors: kDataLoss (another size).
  Result<uint32_t> GetCounter(rocks::Family family, std::string_view key, uint32_t absent);
  // Room for a batch of `entries` values of `value_bytes` in all. A batch that has to grow when
  // memory is short would end the process.
  static size_t BatchBytes(size_t value_bytes, size_t entries) {
    return value_bytes + entries * (kMaxNameBytes + 128) + 64;
  }
  // Why no write is taken since one failed; empty: none did.
  std::string WriteError() const {
    const MutexLock lock(error_mutex_);
    return write_error_;
  }
  // Synced, and noted in the mark. After a failure every later write is refused.
  Status Write(rocksdb::WriteBatch* batch, std::string_view what) AUGSTORE_REQUIRES(write_mutex_);

  // --- Embeddings (rocksdb_store_segments.cc) ---
  Result<Space*> GetSpace(SpaceId id);
  Space* SpaceOf(const Digest& backbone, Dtype dtype);
  // The first space of a backbone in any dtype, or null: all have one dim.
  Space* AnySpaceOf(const Digest& backbone);
  // As FindImages; `erased` gets the first image whose erasure did not come to its end.
  Status LookUp(SpaceId space, std::span<const ContentHash> images, std::span<RowId> rows,
                const ContentHash** erased);
  // What AppendRows is given.
  struct NewRows {
    std::span<const ContentHash> images;
    std::span<const ContentHash> sources;
    ConstMatrixView embeddings;
    const QuantizedView& feature_maps;
  };
  // Those at `indices` as the space's next segment.
  Status AppendSegment(Space* space, const NewRows& from, std::span<const size_t> indices,
                       std::span<RowId> rows) AUGSTORE_REQUIRES(write_mutex_);
  // The value of a segment without `rows`; empty when there is none.
  Result<std::string> WithoutRows(const Space& space, const SegmentId& id,
                                  std::span<const size_t> rows);
  // Of these images, those whose entries still have the rows, with the entries.
  Result<std::vector<rocks::ImageEntry>> EntriesOf(SpaceId space,
                                                   std::span<const StoredImage> images);
  // Errors: kDataLoss (a table that has keys in the range is damaged: RocksDB would take no more
  // writes once a compaction had met it).
  Status CheckTables(rocks::Family family, std::string begin, std::string end);
  Result<std::string> CheckFile(const rocksdb::LiveFileMetaData& file,
                                const Cancellation& cancellation);
  bool TakesSpace(const Space& space, uint64_t segment);
  // A space's registry record.
  static std::string SpaceKey(const SpaceInfo& info);
  static std::string EncodeSpace(const SpaceInfo& info);

  // --- Reading (rocksdb_store_read.cc) ---
  // Where rows go: to f32, or, when `stored` is not null, as they are stored.
  struct RowSink {
    MatrixView values;
    uint8_t* stored = nullptr;
  };
  // Reads and checks a segment. Errors: kNotFound (never written), kFailedPrecondition (it has no
  // feature maps), kDataLoss.
  Result<std::shared_ptr<const Segment>> LoadSegment(const Space& space, const SegmentId& id);
  // The same from the cache, where it is then kept. One thread at a time loads it.
  Result<std::shared_ptr<const Segment>> KeepSegment(Space& space, const SegmentId& id);
  // The part of each of `rows`, from the cache where it is held.
  Status ReadPart(Space& space, RowPart part, std::span<const RowId> rows, const RowSink& out,
                  const Cancellation& cancellation);
  // For the rows at `missing` (indices into `rows`), whose segments are not in the cache.
  Status ReadMissing(Space& space, RowPart part, std::span<const RowId> rows,
                     std::vector<size_t> missing, const RowSink& out,
                     const Cancellation& cancellation);
  // Errors: kNotFound (the segment has no such row), kFailedPrecondition (feature maps of another
  // size).
  static Status CopyRow(const Segment& segment, const Space& space, RowId row, const RowSink& out,
                        size_t i);

  // --- Verify (rocksdb_store_verify.cc) ---
  Result<VerifyStep> VerifyFiles(uint64_t after, const Cancellation& cancellation);
  Result<VerifyStep> VerifySegments(SpaceId space, uint64_t segment,
                                    const Cancellation& cancellation);
  Result<VerifyStep> VerifyImages(const std::string& after, const Cancellation& cancellation);
  // Stores the feature maps of a segment's embeddings; returns their bytes.
  Result<uint64_t> VerifyFeatureMaps(const Space& space, const Segment& segment, uint64_t number,
                                     VerifyStep* step);
  void NoteSegmentRows(const SegmentId& id, uint16_t rows);
  void CheckRowCount(const Space& space, VerifyStep* step);
  // Whether an image's row exists; reads the segment unless its size is known from earlier steps.
  Result<bool> RowExists(const Space& space, RowId row);
  // What is known of a segment from earlier steps: its rows; 0: nothing; kReported.
  uint16_t KnownRows(const SegmentId& id);
  uint64_t EstimateItems();
  // In segment_rows_: damaged, and named as such; given back. And in a number of rows: some of
  // them are erased, and the segment says which.
  static constexpr uint16_t kReported = 0xffff;
  static constexpr uint16_t kGone = 0xfffe;
  static constexpr uint16_t kHasErased = 0x8000;
  static uint16_t RowsToNote(const Segment& segment) {
    return static_cast<uint16_t>(segment.rows | (segment.erased != nullptr ? kHasErased : 0));
  }

  // --- Rows that are lost (rocksdb_store_lost_rows.cc) ---
  // Entries of the image index whose rows cannot be read: key and value.
  using LostImages = std::vector<std::pair<std::string, std::string>>;
  Result<RepairRowsStep> LookForLostImages(const std::string& after, bool apply);
  // Removes those that are as they were found; returns how many that was.
  Result<uint64_t> ForgetLostImages(const LostImages& lost);

  const std::string path_;
  rocksdb::Env* const env_;
  std::shared_ptr<const void> keeps_;  // before db_, which may need it
  // These two are empty when the store is open for reading.
  std::optional<FolderLock> lock_;
  std::unique_ptr<StoreMark> mark_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::string id_;

  Mutex write_mutex_;
  // Held for a moment alone, so that who asks how the store is does not wait for a write.
  mutable Mutex error_mutex_;
  // Of the first write that failed.
  std::string write_error_ AUGSTORE_GUARDED_BY(error_mutex_);
  // An exception passed through RocksDB's code, whose locks may be held for ever.
  bool is_unusable_ AUGSTORE_GUARDED_BY(write_mutex_) = false;

  SharedMutex spaces_mutex_;
  std::vector<std::unique_ptr<Space>> spaces_ AUGSTORE_GUARDED_BY(spaces_mutex_);  // [id - 1]

  SegmentCache cache_;
  LoadTurns load_turns_;

  Mutex verify_mutex_;
  // [space - 1][segment], 0: not known yet.
  std::vector<std::vector<uint16_t>> segment_rows_ AUGSTORE_GUARDED_BY(verify_mutex_);

  std::optional<ReadAhead> read_ahead_;  // the first to go: its threads use all of the above
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_STORE_H_
