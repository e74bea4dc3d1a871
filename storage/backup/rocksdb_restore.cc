#include "storage/backup/rocksdb_restore.h"

#include <filesystem>
#include <utility>

#include "schemas/base/files.h"
#include "storage/backup/rocksdb_backup_engine.h"
#include "storage/backup/rocksdb_backup_list.h"
#include "storage/backup/rocksdb_metered_files.h"
#include "storage/rocksdb/rocksdb_recovery.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/rocksdb/store_mark.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

Status CheckTarget(const std::string& store) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(store, error);
  if (status.type() == fs::file_type::not_found) return OkStatus();
  if (error) return Unavailable("'{}' cannot be read: {}", store, error.message());
  if (status.type() != fs::file_type::directory) {
    return FailedPrecondition("'{}' is a link or a file: name a new folder", store);
  }
  std::error_code absent;
  if (fs::is_directory(fs::path(store) / kRestoringFolder, absent)) return OkStatus();
  for (const fs::directory_entry& entry : ListFolder(store, error)) {
    if (entry.path().filename() == "lost+found") continue;
    return FailedPrecondition("folder '{}' holds '{}': name an empty or a new folder", store,
                              entry.path().filename().string());
  }
  if (error) return Unavailable("'{}' cannot be read: {}", store, error.message());
  return OkStatus();
}

Result<uint32_t> Newest(const std::string& backups) {
  AUGSTORE_ASSIGN(const std::vector<BackupEntry> entries, ListBackups(backups));
  if (entries.empty()) return NotFound("there are no complete backups at '{}'", backups);
  // An older one is not what was asked for: that it would be taken must be said.
  AUGSTORE_TRY(entries.back().status.WithContext("the newest backup; --id names another"));
  return entries.back().id;
}

}  // namespace

Result<std::unique_ptr<Restore>> Restore::Begin(const std::string& backups, uint32_t id,
                                                const std::string& store) {
  if (id == 0) {
    AUGSTORE_ASSIGN(id, Newest(backups));
  }
  AUGSTORE_ASSIGN(BackupFolder folder, BackupFolder::Open(backups, BackupFolder::Use::kRead));
  AUGSTORE_ASSIGN(BackupDescription description, folder.Describe(id));
  AUGSTORE_TRY(CheckTarget(store));
  AUGSTORE_TRY(MakePrivateFolder(store));
  std::unique_ptr<Restore> restore(new Restore(std::move(folder), std::move(description), store));
  AUGSTORE_ASSIGN(FolderLock lock, FolderLock::Take(store));
  restore->lock_.emplace(std::move(lock));
  AUGSTORE_TRY(CheckTarget(store));  // another process may have come first
  const std::string restoring = store + "/" + kRestoringFolder;
  std::error_code error;
  fs::create_directory(restoring, error);
  if (error) return Unavailable("'{}' cannot be made: {}", restoring, error.message());
  AUGSTORE_TRY(SyncFolderOf(restoring));
  return restore;
}

Status Restore::Copy(CopyProgress* progress) {
  const std::unique_ptr<rocksdb::Env> metered = MeteredEnv(rocksdb::Env::Default(), progress);
  AUGSTORE_ASSIGN(const auto engine,
                  OpenEngineToRead(EngineOptions(backups_.path(), metered.get(), 0)));
  progress->copied_bytes = 0;  // of what opening read
  progress->total_bytes = description_.bytes;
  const std::string what =
      fmt::format("backup {} at '{}' cannot be restored", description_.id, backups_.path());
  // The engine first removes what an interrupted restore left; a folder stays.
  Status copied = FromEngine(
      engine->RestoreDBFromBackup(rocksdb::RestoreOptions(), description_.id, store_, store_),
      progress, what);
  if (copied.code() != Code::kDataLoss) return copied;
  // The engine's message has checksums and no name.
  AUGSTORE_TRY(FromEngine(engine->VerifyBackup(description_.id, /*verify_with_checksum=*/true),
                          progress, what));
  return copied;
}

Result<std::unique_ptr<Store>> Restore::Open() const {
  const MarkNote note{description_.store_id, description_.sequence};
  AUGSTORE_ASSIGN(OpenedDatabase opened, OpenForReading(store_, note));
  AUGSTORE_ASSIGN(std::unique_ptr<Store> store,
                  RocksDbStore::Over(store_, std::move(opened), rocksdb::Env::Default(), nullptr));
  AUGSTORE_ASSIGN(const std::vector<BackupVersion> versions, ListVersions(*store));
  if (versions == description_.versions) return store;
  return DataLoss("what was restored from backup {} at '{}' is not what it says that it holds",
                  description_.id, backups_.path());
}

Status Restore::Finish() {
  AUGSTORE_TRY(WriteMark(store_, {description_.store_id, description_.sequence}));
  const std::string restoring = store_ + "/" + kRestoringFolder;
  std::error_code error;
  fs::remove(restoring, error);
  if (error) return Unavailable("'{}' cannot be removed: {}", restoring, error.message());
  return SyncFolderOf(restoring);
}

}  // namespace augstore
