#include "storage/backup/rocksdb_backup_engine.h"

#include <rocksdb/rate_limiter.h>

#include <utility>

#include "storage/rocksdb/rocksdb_recovery.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace augstore {

rocksdb::BackupEngineOptions EngineOptions(const std::string& folder, rocksdb::Env* env,
                                           uint64_t bytes_per_second) {
  rocksdb::BackupEngineOptions options(folder, env);
  if (bytes_per_second > 0) {
    options.backup_rate_limiter.reset(
        rocksdb::NewGenericRateLimiter(static_cast<int64_t>(bytes_per_second)));
  }
  return options;
}

Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenEngineToRead(
    const rocksdb::BackupEngineOptions& options) {
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::Status opened =
      rocksdb::BackupEngineReadOnly::Open(options, rocksdb::Env::Default(), &engine);
  AUGSTORE_TRY(FromEngine(opened, nullptr,
                          fmt::format("the backups at '{}' cannot be read", options.backup_dir)));
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine);
}

Status FromEngine(const rocksdb::Status& status, const CopyProgress* progress,
                  const std::string& what) {
  if (status.ok()) return OkStatus();
  if (progress != nullptr && progress->stop) return Unavailable("{}: it was stopped", what);
  if (status.IsCorruption() || status.IsNotFound() || status.IsPathNotFound()) {
    return DataLoss("{}: {}", what, status.ToString());
  }
  if (status.IsAborted()) return Unavailable("{}: {}", what, status.ToString());
  return FromRocks(status, what);
}

Result<std::unique_ptr<Store>> OpenStoreInBackup(const rocksdb::BackupInfo& info,
                                                 const std::string& store_id, uint64_t sequence,
                                                 std::shared_ptr<const void> keeps) {
  AUGSTORE_ASSIGN(
      OpenedDatabase opened,
      OpenForReading(info.name_for_open, MarkNote{store_id, sequence}, info.env_for_open.get()));
  const auto kept =
      std::make_shared<std::pair<std::shared_ptr<rocksdb::Env>, std::shared_ptr<const void>>>(
          info.env_for_open, std::move(keeps));
  return RocksDbStore::Over(info.name_for_open, std::move(opened), info.env_for_open.get(), kept);
}

}  // namespace augstore
