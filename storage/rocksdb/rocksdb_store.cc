#include "storage/rocksdb/rocksdb_store.h"

#include <chrono>
#include <random>
#include <thread>

#include "storage/rocksdb/rocksdb_guard.h"
#include "storage/rocksdb/rocksdb_keys.h"
#include "storage/rocksdb/rocksdb_log.h"
#include "storage/store/server_mark.h"
#include "storage/store/store_checks.h"

namespace augstore {
namespace {

std::string NewStoreId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  return id;
}

bool IsLockFailure(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("While lock file") != text.npos ||
                                text.find("lock hold by current process") != text.npos);
}

}  // namespace

RocksDbStore::RocksDbStore(std::string path, const StoreOptions& options, rocksdb::Env* env)
    : path_(std::move(path)), env_(env), cache_(options.memory_budget_bytes) {
  read_ahead_.emplace([this](const SegmentId& id) {
    const auto space = GetSpace(id.space);
    if (space.ok()) (void)KeepSegment(**space, id);  // an error comes again where rows are read
  });
}

RocksDbStore::~RocksDbStore() {
  read_ahead_.reset();
  if (db_ == nullptr) return;
  const MutexLock lock(write_mutex_);
  if (is_unusable_) {
    (void)db_.release();  // closing could wait for ever; every acknowledged write was synced
    return;
  }
  // A store that was closed has everything in its tables, so that its log may be lost or left out
  // of a copy. When this fails, the log still has it.
  if (mark_ != nullptr && WriteError().empty()) {
    db_->Flush(rocksdb::FlushOptions(), handles_).PermitUncheckedError();
  }
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

Result<std::unique_ptr<Store>> RocksDbStore::Open(const std::string& path,
                                                  const StoreOptions& options, rocksdb::Env* env) {
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(path, options, env));
  if (options.access == StoreAccess::kRead) {
    AUGSTORE_TRY(store->OpenToRead());
  } else {
    AUGSTORE_TRY(store->OpenToWrite(options.access == StoreAccess::kCreate));
  }
  AUGSTORE_TRY(store->CheckFormat());
  AUGSTORE_TRY(store->LoadSpaces());
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> RocksDbStore::Over(const std::string& path, OpenedDatabase opened,
                                                  rocksdb::Env* env,
                                                  std::shared_ptr<const void> keeps) {
  // Each row is read once, by a check.
  const StoreOptions options{.access = StoreAccess::kRead, .memory_budget_bytes = 64u << 20};
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(path, options, env));
  store->keeps_ = std::move(keeps);
  store->db_ = std::move(opened.db);
  store->handles_ = std::move(opened.families);
  AUGSTORE_TRY(store->CheckFormat());
  AUGSTORE_TRY(store->LoadSpaces());
  return std::unique_ptr<Store>(std::move(store));
}

Status RocksDbStore::OpenToRead() {
  // A process that has the store open for writing may replace files between our reading of one and
  // of the next.
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    AUGSTORE_ASSIGN(const FolderState state, InspectFolder(path_));
    if (state != FolderState::kStore) return NoStore(path_, state);
    // Before the database, which goes on growing.
    const Result<MarkNote> mark = ReadMark(path_);
    if (mark.ok() && mark->sequence == 0) return NoStore(path_, FolderState::kEmpty);
    Result<OpenedDatabase> opened = OpenForReading(path_, mark, env_);
    if (opened.ok()) {
      db_ = std::move(opened->db);
      handles_ = std::move(opened->families);
      return OkStatus();
    }
    if (attempt == kAttempts || !FolderLock::IsHeld(path_)) return opened.status();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Status RocksDbStore::OpenToWrite(bool create) {
  AUGSTORE_ASSIGN(FolderState state, InspectFolder(path_));
  if (state != FolderState::kStore && !create) return NoStore(path_, state);
  if (state == FolderState::kAbsent) AUGSTORE_TRY(MakePrivateFolder(path_));
  AUGSTORE_ASSIGN(FolderLock lock, FolderLock::Take(path_));
  lock_.emplace(std::move(lock));
  AUGSTORE_ASSIGN(state, InspectFolder(path_));  // another process may have made it meanwhile
  // The mark is made first: a database without one has lost it.
  if (state != FolderState::kStore) AUGSTORE_TRY(WriteMark(path_, {NewStoreId(), 0}));
  const Result<MarkNote> mark = ReadMark(path_);
  // Opening for writing removes what it takes for leftovers, so a look comes first.
  if (!mark.ok() || mark->sequence > 0) {
    const Result<OpenedDatabase> opened = OpenForReading(path_, mark, env_);
    AUGSTORE_TRY(opened.status());
  }
  AUGSTORE_ASSIGN(mark_, StoreMark::Open(path_));
  return OpenDb();
}

Status RocksDbStore::OpenDb() {
  rocksdb::DBOptions options = DatabaseOptions(env_);
  options.info_log = std::make_shared<RocksDbLog>(path_);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, path_, FamilyDescriptors(), &handles_, &db);
  if (IsLockFailure(status)) return StoreIsHeld(path_);
  if (status.IsInvalidArgument()) {
    // Either a family that we do not know, or what RocksDB makes of a file that it could not open.
    const std::string text = status.ToString();
    if (text.find("olumn famil") == text.npos) {
      return Unavailable("store '{}' cannot be opened: {}", path_, text);
    }
    return FailedPrecondition("store '{}' is of another version of augstore: {}", path_, text);
  }
  AUGSTORE_TRY(FromRocks(status, fmt::format("store '{}' cannot be opened", path_)));
  db_.reset(db);
  return OkStatus();
}

Status RocksDbStore::CheckFormat() {
  AUGSTORE_ASSIGN(const uint32_t format, GetCounter(kDefault, rocks::kFormatKey, 0));
  if (format == 0 && mark_ != nullptr && mark_->note().sequence == 0) return CreateIdentity();
  if (format == 0) return DataLoss("store '{}' has lost its format: restore a backup", path_);
  AUGSTORE_ASSIGN(const std::optional<std::string> id,
                  Get(kDefault, rocks::kIdKey, "the store's id"));
  if (!id.has_value()) return DataLoss("store '{}' has lost its id: restore a backup", path_);
  id_ = *id;
  return OkStatus();
}

Status RocksDbStore::CreateIdentity() {
  id_ = mark_->note().store_id;
  rocksdb::WriteBatch batch;
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kFormatKey), rocks::Big(rocks::kStoreFormat));
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kReleaseKey), AUGSTORE_VERSION);
  batch.Put(family(kDefault), rocksdb::Slice(rocks::kIdKey), id_);
  const MutexLock lock(write_mutex_);
  AUGSTORE_TRY(Write(&batch, "the store's format"));
  return mark_->Sync();  // a mark of 0 would mean that nothing was written yet
}

Result<std::optional<std::string>> RocksDbStore::Get(rocks::Family family_id, std::string_view key,
                                                     std::string_view what) {
  std::string value;
  const rocksdb::Status status = InRocksDb([&] {
    return db_->Get(rocksdb::ReadOptions(), family(family_id), rocksdb::Slice(key), &value);
  });
  if (status.IsNotFound()) return std::optional<std::string>();
  AUGSTORE_TRY(FromRocks(status, what));
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<rocksdb::Iterator> RocksDbStore::NewIterator(rocks::Family family_id) {
  rocksdb::ReadOptions options;
  // The others are read from their beginning to their end: in the cache they would push out what
  // is looked up.
  options.fill_cache = family_id == rocks::kRegistry;
  return InRocksDb([&] {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(options, family(family_id)));
  });
}

Result<uint32_t> RocksDbStore::GetCounter(rocks::Family family_id, std::string_view key,
                                          uint32_t absent) {
  AUGSTORE_ASSIGN(const std::optional<std::string> bytes, Get(family_id, key, "a counter"));
  if (!bytes.has_value()) return absent;
  const std::optional<uint32_t> value = rocks::ParseBig<uint32_t>(*bytes);
  if (!value.has_value()) {
    return DataLoss("a counter of store '{}' has {} bytes: restore a backup", path_, bytes->size());
  }
  return *value;
}

Status RocksDbStore::Write(rocksdb::WriteBatch* batch, std::string_view what) {
  if (mark_ == nullptr) {
    return FailedPrecondition("store '{}' is open for reading: {} cannot be written", path_, what);
  }
  if (is_unusable_) {
    return FailedPrecondition(
        "store '{}' takes no writes since memory ran out during one: give the process more, and "
        "open it again",
        path_);
  }
  if (const std::string why = WriteError(); !why.empty()) {
    return FailedPrecondition(
        "store '{}' takes no writes since one failed ({}): free the device and open it again",
        path_, why);
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  options.protection_bytes_per_key = 8;
  Status written;
  try {
    written = FromRocks(db_->Write(options, batch), fmt::format("{} cannot be written", what));
  } catch (const std::exception& error) {
    // RocksDB does not expect exceptions: the next write would wait for this one for ever. What
    // follows may throw as well.
    is_unusable_ = true;
    written = ResourceExhausted("{} cannot be written: {}", what, error.what());
  }
  if (written.ok()) written = mark_->Acknowledge(db_->GetLatestSequenceNumber());
  if (!written.ok()) {
    const MutexLock lock(error_mutex_);
    write_error_ = written.message();
  }
  return written;
}

Status RocksDbStore::FlushAll() {
  return FromRocks(db_->Flush(rocksdb::FlushOptions(), handles_), "the store cannot be flushed");
}

Status RocksDbStore::WithoutWrites(const std::function<Status()>& work) {
  const MutexLock lock(write_mutex_);
  if (mark_ == nullptr) return FailedPrecondition("store '{}' is open for reading", path_);
  if (const std::string why = WriteError(); is_unusable_ || !why.empty()) {
    return FailedPrecondition("store '{}' takes no writes since one failed ({}): open it again",
                              path_, why);
  }
  return work();
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
  stats.write_error = mark_ == nullptr ? "the store is open for reading" : WriteError();
  const ReaderLock lock(spaces_mutex_);
  for (const auto& space : spaces_) stats.spaces.push_back(space->info());
  return stats;
}

}  // namespace augstore
