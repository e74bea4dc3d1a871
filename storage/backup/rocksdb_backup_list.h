// The backups in a folder: which there are, whether they are whole, what is in them, and which may
// go. Without RocksDB's headers.
#ifndef AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_LIST_H_
#define AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/backup/backup_description.h"
#include "storage/backup/copy_progress.h"
#include "storage/store/store.h"

namespace augstore {

struct BackupEntry {
  uint32_t id = 0;
  Status status;  // kDataLoss: a file is gone, has another size, or its list is damaged
  BackupDescription description;  // when status is ok
};

// Complete backups, by number. Reads no contents. Errors: as BackupFolder::Open.
Result<std::vector<BackupEntry>> ListBackups(const std::string& folder);

// The same as JSON (docs/cli.md, `backup ls`): all, with counts; or, unless `id` is 0, that backup
// with the versions that it holds. Errors: as ListBackups; those of BackupFolder::Describe.
Result<std::string> BackupsJson(const std::string& folder, uint32_t id);

// Compares every file of a backup with its checksum. Errors: kNotFound, kDataLoss (the first file
// that differs is named), kUnavailable (stopped).
Status VerifyBackup(const std::string& folder, uint32_t id, CopyProgress* progress);

// The store that a backup holds, open for reading, in place. While it is open nobody can remove
// backups. Errors: as VerifyBackup; those of OpenRocksDbStore.
Result<std::unique_ptr<Store>> OpenBackup(const std::string& folder, uint32_t id);

// A backup is kept while one of the two says so. The newest that is whole is always kept.
struct PruneRule {
  uint64_t keep_newest = 0;
  std::optional<int64_t> keep_since_unix_s;
};
struct PruneReport {
  std::vector<uint32_t> removed;
  std::vector<uint32_t> kept;
  uint64_t freed_bytes = 0;
};
// Removes the backups that the rule does not keep, damaged ones, and what interrupted ones left.
// Without `apply` it only says what would go. Errors: as BackupFolder::Open; kFailedPrecondition
// (no backup is whole, or a damaged one is newer than all that are: make one first).
Result<PruneReport> PruneBackups(const std::string& folder, const PruneRule& rule, bool apply);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_LIST_H_
