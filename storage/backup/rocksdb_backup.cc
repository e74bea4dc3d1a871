#include "storage/backup/rocksdb_backup.h"

#include <rocksdb/utilities/stackable_db.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "storage/backup/backup_folder.h"
#include "storage/backup/rocksdb_backup_engine.h"
#include "storage/backup/rocksdb_metered_files.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;
using LiveFiles = std::vector<rocksdb::LiveFileStorageInfo>;

// The database as the backup engine sees it: the list of its files is taken by `capture`.
class CapturedDatabase final : public rocksdb::StackableDB {
 public:
  using Capture =
      std::function<rocksdb::Status(const rocksdb::LiveFilesStorageInfoOptions&, LiveFiles*)>;
  CapturedDatabase(rocksdb::DB* db, Capture capture)
      : rocksdb::StackableDB(std::shared_ptr<rocksdb::DB>(db, [](rocksdb::DB*) {})),
        capture_(std::move(capture)) {}
  rocksdb::Status GetLiveFilesStorageInfo(const rocksdb::LiveFilesStorageInfoOptions& options,
                                          LiveFiles* files) override {
    return capture_(options, files);
  }

 private:
  const Capture capture_;
};

Status CheckPlace(const std::string& folder, const std::string& store) {
  std::error_code error;
  const fs::path inner = fs::weakly_canonical(folder, error);
  const fs::path outer = fs::weakly_canonical(store, error);
  if (std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first != outer.end()) {
    return OkStatus();
  }
  return InvalidArgument("'{}' is in the folder of the store itself: name one on another device",
                         folder);
}

// Number and size of the tables that are in the folder, as the engine names them:
// "000012_s<session>_<size>.sst".
std::set<std::pair<uint64_t, uint64_t>> TablesIn(const std::string& folder) {
  std::set<std::pair<uint64_t, uint64_t>> tables;
  std::error_code error;
  for (const auto& entry : ListFolder(fs::path(folder) / "shared_checksum", error)) {
    std::error_code vanished;
    const uintmax_t size = entry.file_size(vanished);
    const std::string name = entry.path().filename().string();
    if (!vanished) tables.emplace(std::strtoull(name.c_str(), nullptr, 10), size);
  }
  return tables;
}

uint64_t BytesToCopy(const LiveFiles& files, const std::string& folder) {
  const auto there = TablesIn(folder);
  uint64_t bytes = 0;
  for (const rocksdb::LiveFileStorageInfo& file : files) {
    const bool shared =
        file.file_type == rocksdb::kTableFile && there.contains({file.file_number, file.size});
    if (!shared && file.replacement_contents.empty()) bytes += file.size;
  }
  return bytes;
}

Status CheckRoom(const std::string& folder, uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= bytes) return OkStatus();
  return Unavailable(
      "the backup copies {} bytes, and '{}' has room for {}: remove older backups with `augstore "
      "backup prune`, or name a folder on a larger device",
      bytes, folder, space.available);
}

// Backups that no description makes count: they were interrupted.
Status RemoveUnfinished(rocksdb::BackupEngine& engine, const BackupFolder& folder) {
  AUGSTORE_ASSIGN(const std::vector<uint32_t> complete, folder.ListIds());
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  std::vector<uint32_t> ids;
  engine.GetCorruptedBackups(&ids);
  for (const rocksdb::BackupInfo& info : infos) ids.push_back(info.backup_id);
  for (const uint32_t id : ids) {
    if (std::ranges::find(complete, id) != complete.end()) continue;
    AUGSTORE_TRY(FromEngine(engine.DeleteBackup(id), nullptr,
                            fmt::format("what interrupted backup {} left cannot be removed", id)));
  }
  return OkStatus();
}

// Reads what backup `id` holds, and notes it beside the backup.
Status Describe(const rocksdb::BackupEngine& engine, const BackupFolder& folder,
                BackupDescription* description) {
  const std::string what = fmt::format("backup {} at '{}'", description->id, folder.path());
  rocksdb::BackupInfo info;
  AUGSTORE_TRY(FromEngine(engine.GetBackupInfo(description->id, &info, /*file_details=*/true),
                          nullptr, what));
  description->bytes = info.size;
  description->created_unix_s = info.timestamp;
  AUGSTORE_ASSIGN(description->file_list, folder.CheckFileList(description->id));
  // What it holds is read from itself: it opens, and is of the moment that it was meant to be.
  AUGSTORE_ASSIGN(const std::unique_ptr<Store> copy,
                  OpenStoreInBackup(info, description->store_id, description->sequence, nullptr));
  AUGSTORE_ASSIGN(description->versions, ListVersions(*copy));
  return folder.AddDescription(*description);
}

Result<BackupDescription> Create(RocksDbStore& store, const BackupOptions& options,
                                 CopyProgress* progress) {
  AUGSTORE_TRY(store.WithoutWrites([] { return OkStatus(); }));  // refused before a change
  AUGSTORE_TRY(CheckPlace(options.folder, store.path()));
  AUGSTORE_ASSIGN(const BackupFolder folder, BackupFolder::OpenToAdd(options.folder, store.id()));
  const std::unique_ptr<rocksdb::Env> metered = MeteredEnv(store.env(), progress);
  rocksdb::BackupEngine* opened = nullptr;
  const std::string what = fmt::format("the backup at '{}' was not made", options.folder);
  const auto engine_options = EngineOptions(folder.path(), store.env(), options.bytes_per_second);
  AUGSTORE_TRY(FromEngine(rocksdb::BackupEngine::Open(engine_options, metered.get(), &opened),
                          progress, what));
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  AUGSTORE_TRY(RemoveUnfinished(*engine, folder));
  // Most of what is in memory goes to tables now, so that writers wait for the rest alone.
  AUGSTORE_TRY(store.FlushAll());

  BackupDescription description;
  description.store_id = store.id();
  rocksdb::Status listed;
  Status taken;
  const auto capture = [&](const rocksdb::LiveFilesStorageInfoOptions& live_options,
                           LiveFiles* files) {
    // Without a write beside it: the log's files are listed after the tables, and after a failed
    // write RocksDB aborts when its log is to be synced, as it is here.
    taken = store.WithoutWrites([&] {
      listed = store.database()->GetLiveFilesStorageInfo(live_options, files);
      AUGSTORE_TRY(FromEngine(listed, progress, what));
      description.sequence = store.database()->GetLatestSequenceNumber();
      return OkStatus();
    });
    if (!taken.ok()) return rocksdb::Status::Aborted();
    progress->total_bytes = BytesToCopy(*files, folder.path());
    taken = CheckRoom(folder.path(), progress->total_bytes);
    return taken.ok() ? listed : rocksdb::Status::Aborted();
  };
  CapturedDatabase database(store.database(), capture);
  const rocksdb::Status made =
      engine->CreateNewBackup(rocksdb::CreateBackupOptions(), &database, &description.id);
  AUGSTORE_TRY(taken);
  AUGSTORE_TRY(FromEngine(made, progress, what));
  description.copied_bytes = progress->copied_bytes;
  const Status described = Describe(*engine, folder, &description);
  // Without a description it does not count, and what it has is in the way.
  if (!described.ok()) engine->DeleteBackup(description.id).PermitUncheckedError();
  AUGSTORE_TRY(described);
  return description;
}

}  // namespace

Result<BackupDescription> CreateBackup(Store* store, const BackupOptions& options,
                                       CopyProgress* progress) {
  auto* const on_disk = dynamic_cast<RocksDbStore*>(store);
  if (on_disk == nullptr) {
    return FailedPrecondition("a store in memory has no files: only one on disk can be backed up");
  }
  try {
    return Create(*on_disk, options, progress);
  } catch (const std::exception& error) {
    return ResourceExhausted("the backup at '{}' was not made: {}", options.folder, error.what());
  }
}

}  // namespace augstore
