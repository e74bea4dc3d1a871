// RocksDB's backup engine as backups use it. Internal to storage/rocksdb.
#ifndef AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_ENGINE_H_
#define AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_ENGINE_H_

#include <rocksdb/utilities/backup_engine.h>

#include <memory>
#include <string>

#include "schemas/base/status.h"
#include "storage/backup/backup_description.h"
#include "storage/backup/copy_progress.h"
#include "storage/store/store.h"

namespace augstore {

// `env`: of the backups' files. It must outlive the engine.
rocksdb::BackupEngineOptions EngineOptions(const std::string& folder, rocksdb::Env* env,
                                           uint64_t bytes_per_second);
// Errors: kUnavailable, kNotFound.
Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> OpenEngineToRead(
    const rocksdb::BackupEngineOptions& options);

// What the engine's status means; one of a copy that was told to stop is kUnavailable.
Status FromEngine(const rocksdb::Status& status, const CopyProgress* progress,
                  const std::string& what);

// The store in a backup, open for reading. `info` has the details of its files; `keeps` lives as
// long as the store. Errors: those of OpenForReading.
Result<std::unique_ptr<Store>> OpenStoreInBackup(const rocksdb::BackupInfo& info,
                                                 const std::string& store_id, uint64_t sequence,
                                                 std::shared_ptr<const void> keeps);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_ENGINE_H_
