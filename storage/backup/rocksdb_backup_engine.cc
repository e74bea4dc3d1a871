#include "storage/backup/rocksdb_backup_engine.h"

#include <rocksdb/rate_limiter.h>

#include <algorithm>
#include <utility>

#include "storage/rocksdb/rocksdb_recovery.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace augstore {

rocksdb::BackupEngineOptions EngineOptions(const std::string& folder, rocksdb::Env* env,
                                           uint64_t bytes_per_second) {
  rocksdb::BackupEngineOptions options(folder, env);
  // The engine's buffer is what the limiter lets through at once, and above the last rate nothing
  // is limited.
  constexpr uint64_t kMostRate = 10'000'000'000;
  constexpr int64_t kMostBurst = 4 << 20;
  if (bytes_per_second > 0 && bytes_per_second < kMostRate) {
    const auto rate = static_cast<int64_t>(bytes_per_second);
    const int64_t period_us = std::clamp<int64_t>(kMostBurst * 1'000'000 / rate, 100, 100'000);
    options.backup_rate_limiter.reset(rocksdb::NewGenericRateLimiter(rate, period_us));
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
