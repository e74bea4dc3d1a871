#include "storage/rocksdb/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <filesystem>
#include <random>

#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/store/server_mark.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kStoreFormat = 1;
constexpr size_t kBlockCacheBytes = 32u << 20;
constexpr size_t kSegmentFileBytes = 256u << 20;

// RocksDB's own log file is on the device of the store, and when that is full, writing to it
// aborts the process. What it would say reaches us as the Status of the call that failed.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // The default, kPointInTimeRecovery, silently drops acknowledged writes after a damaged record.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.max_bgerror_resume_count = 0;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.info_log = std::make_shared<NoLog>();
  options.max_total_wal_size = 256u << 20;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options;
  options.memtable_protection_bytes_per_key = 8;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions ImagesOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(blocks);
  options.compression = rocksdb::kNoCompression;  // hashes do not compress
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = blocks;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// Plain tables, not blob files: those are checked with CRC-32C, which Debian's RocksDB computes
// without the CPU's instruction (0.4 GB/s), tables with XXH3. Segments are written in key order, so
// compactions move whole files.
rocksdb::ColumnFamilyOptions SegmentsOptions(const std::shared_ptr<rocksdb::Cache>& blocks) {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(blocks);
  options.compression = rocksdb::kNoCompression;  // nor do embeddings
  options.target_file_size_base = kSegmentFileBytes;
  return options;
}

std::vector<fs::directory_entry> ListFolder(const fs::path& folder, std::error_code& error) {
  std::vector<fs::directory_entry> entries;
  // The range-for form would throw when reading goes wrong halfway.
  for (fs::directory_iterator i(folder, error); !error && i != fs::directory_iterator();
       i.increment(error)) {
    entries.push_back(*i);
  }
  return entries;
}

// A folder in which the creation of a store was interrupted holds nothing but RocksDB's own first
// files.
bool IsFirstFile(const std::string& name) {
  return name == "LOCK" || name == "LOG" || name.starts_with("LOG.old.") || name == "IDENTITY" ||
         name.starts_with("MANIFEST-") || name.starts_with("OPTIONS-") || name.ends_with(".dbtmp");
}

// Whether `path` holds a store. Errors: kNotFound, kFailedPrecondition (something else is there),
// kUnavailable.
Result<bool> StoreExists(const std::string& path, bool create) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    if (!create) return NotFound("there is no store at '{}': ingest or import into it first", path);
    return false;
  }
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  if (!fs::is_directory(status)) {
    return FailedPrecondition("'{}' is not a folder: a store is one", path);
  }
  if (fs::exists(fs::path(path) / "CURRENT", error)) return true;
  const std::vector<fs::directory_entry> entries = ListFolder(path, error);
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (IsFirstFile(name)) continue;
    return FailedPrecondition(
        "folder '{}' holds '{}' and is no store: name an empty or a new folder", path, name);
  }
  if (!create) return NotFound("folder '{}' is empty: ingest or import into it first", path);
  return false;
}

bool IsLockFailure(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("While lock file") != text.npos ||
                                text.find("lock hold by current process") != text.npos);
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return OkStatus();
  if (status.IsCorruption()) {
    return DataLoss("{}: {}; run `augstore verify`", what, status.ToString());
  }
  if (status.IsNotFound()) return NotFound("{}: {}", what, status.ToString());
  if (status.IsIOError() || status.IsBusy() || status.IsTimedOut() || status.IsTryAgain() ||
      status.IsIncomplete() || status.IsShutdownInProgress()) {
    return Unavailable("{}: {}", what, status.ToString());
  }
  return Internal("{}: {}", what, status.ToString());
}

RocksDbStore::RocksDbStore(std::string path, const StoreOptions& options)
    : path_(std::move(path)), cache_(options.memory_budget_bytes) {
  read_ahead_.emplace([this](const SegmentId& id) {
    const auto space = GetSpace(id.space);
    if (space.ok()) (void)KeepSegment(**space, id);  // an error comes again where rows are read
  });
}

RocksDbStore::~RocksDbStore() {
  read_ahead_.reset();
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    // Nothing is lost when closing fails: every write was synced.
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

Result<std::unique_ptr<Store>> RocksDbStore::Open(const std::string& path,
                                                  const StoreOptions& options) {
  AUGSTORE_ASSIGN(const bool exists, StoreExists(path, options.create));
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(path, options));
  AUGSTORE_TRY(store->OpenDb(exists));
  AUGSTORE_TRY(store->CheckFormat());
  AUGSTORE_TRY(store->LoadSpaces());
  return std::unique_ptr<Store>(std::move(store));
}

// Opening would add our column families to another program's database, which its owner could then
// not open any more.
Status RocksDbStore::RefuseForeign() const {
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), path_, &names);
  // What cannot be listed is refused by opening it, with a better reason.
  if (!listed.ok() || names.size() != 1) return OkStatus();
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(rocksdb::Options(), path_, &opened);
  if (!status.ok()) return OkStatus();
  const std::unique_ptr<rocksdb::DB> database(opened);
  const std::unique_ptr<rocksdb::Iterator> any(database->NewIterator(rocksdb::ReadOptions()));
  any->SeekToFirst();
  if (!any->Valid()) return OkStatus();  // a store whose creation was cut short
  return FailedPrecondition("folder '{}' holds another RocksDB database: name another folder",
                            path_);
}

Status RocksDbStore::OpenDb(bool exists) {
  if (!exists) {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) return Unavailable("store '{}' cannot be made: {}", path_, error.message());
  }
  if (exists) AUGSTORE_TRY(RefuseForeign());
  const auto blocks = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families(kFamilies);
  families[kDefault] = {rocksdb::kDefaultColumnFamilyName, FamilyOptions(blocks)};
  families[kRegistry] = {"registry", FamilyOptions(blocks)};
  families[kImages] = {"images", ImagesOptions(blocks)};
  families[kSegments] = {"segments", SegmentsOptions(blocks)};
  families[kSamples] = {"samples", FamilyOptions(blocks)};
  families[kMaps] = {"feature_maps", SegmentsOptions(blocks)};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(), path_, families, &handles, &db);
  if (IsLockFailure(status)) return StoreIsHeld(path_);
  if (status.IsInvalidArgument()) {
    return FailedPrecondition(
        "folder '{}' holds another RocksDB database, or a store of another version of augstore: {}",
        path_, status.ToString());
  }
  AUGSTORE_TRY(FromRocks(status, fmt::format("store '{}' cannot be opened", path_)));
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  return OkStatus();
}

Status RocksDbStore::CheckFormat() {
  AUGSTORE_ASSIGN(const uint32_t format, GetCounter(kDefault, rocks::kFormatKey, 0));
  if (format > kStoreFormat) {
    return FailedPrecondition(
        "store '{}' has format {}, this augstore reads up to {}: use a newer augstore", path_,
        format, kStoreFormat);
  }
  if (format == 0) return CreateIdentity();
  AUGSTORE_ASSIGN(const std::optional<std::string> id,
                  Get(kDefault, rocks::kIdKey, "the store's id"));
  if (!id.has_value()) return DataLoss("store '{}' has lost its id: restore a backup", path_);
  id_ = *id;
  return OkStatus();
}

Status RocksDbStore::CreateIdentity() {
  const std::unique_ptr<rocksdb::Iterator> any(
      db_->NewIterator(rocksdb::ReadOptions(), family(kDefault)));
  any->SeekToFirst();
  if (any->Valid()) {
    return FailedPrecondition("folder '{}' holds another RocksDB database: name another folder",
                              path_);
  }
  AUGSTORE_TRY(FromRocks(any->status(), "the store's format"));
  std::random_device random;
  for (int i = 0; i < 4; ++i) id_ += fmt::format("{:08x}", random());
  rocksdb::WriteBatch batch;
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kFormatKey), rocks::Big(kStoreFormat));
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kIdKey), id_);
  const MutexLock lock(write_mutex_);
  return Write(&batch, "the store's format");
}

Result<std::optional<std::string>> RocksDbStore::Get(Family family_id, std::string_view key,
                                                     std::string_view what) {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), family(family_id), rocksdb::Slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  AUGSTORE_TRY(FromRocks(status, what));
  return std::optional<std::string>(std::move(value));
}

Result<uint32_t> RocksDbStore::GetCounter(Family family_id, std::string_view key, uint32_t absent) {
  AUGSTORE_ASSIGN(const std::optional<std::string> bytes, Get(family_id, key, "a counter"));
  if (!bytes.has_value()) return absent;
  const std::optional<uint32_t> value = rocks::ParseBig<uint32_t>(*bytes);
  if (!value.has_value()) {
    return DataLoss("a counter of store '{}' has {} bytes: restore a backup", path_, bytes->size());
  }
  return *value;
}

Status RocksDbStore::Write(rocksdb::WriteBatch* batch, std::string_view what) {
  if (!write_error_.empty()) {
    return FailedPrecondition(
        "store '{}' takes no writes since one failed ({}): free the device and open it again",
        path_, write_error_);
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  options.protection_bytes_per_key = 8;
  const rocksdb::Status status = db_->Write(options, batch);
  if (!status.ok()) write_error_ = status.ToString();
  return FromRocks(status, fmt::format("{} cannot be written", what));
}

Result<StoreStats> RocksDbStore::Stats() {
  StoreStats stats;
  stats.id = id_;
  stats.resident_bytes = cache_.resident_bytes();
  stats.memory_budget_bytes = cache_.budget_bytes();
  std::error_code error;
  for (const auto& entry : ListFolder(path_, error)) {
    std::error_code vanished;  // RocksDB removes files at any time
    const uintmax_t bytes = entry.file_size(vanished);
    if (!vanished) stats.disk_bytes += bytes;
  }
  if (error) return Unavailable("store '{}' cannot be read: {}", path_, error.message());
  const ReaderLock lock(spaces_mutex_);
  for (const auto& space : spaces_) stats.spaces.push_back(space->info());
  return stats;
}

}  // namespace augstore
