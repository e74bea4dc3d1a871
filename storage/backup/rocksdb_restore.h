// Making a store from a backup.
#ifndef AUGSTORE_STORAGE_BACKUP_ROCKSDB_RESTORE_H_
#define AUGSTORE_STORAGE_BACKUP_ROCKSDB_RESTORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/backup/backup_description.h"
#include "storage/backup/backup_folder.h"
#include "storage/backup/copy_progress.h"
#include "storage/rocksdb/rocksdb_folder.h"
#include "storage/store/store.h"

namespace augstore {

// Use: Begin, Copy, look at what Open returns, Finish. Until Finish the folder is no store: it
// holds a folder RESTORING, and whoever opens it is told to run the restore again, which begins
// anew.
class Restore {
 public:
  // Backup `id`, or the newest for 0, to the folder `store`, which is new, empty, or of a restore
  // that was cut off. Errors: those of ListBackups and BackupFolder::Describe; kFailedPrecondition
  // (`store` holds something else, or is a link), kUnavailable.
  static Result<std::unique_ptr<Restore>> Begin(const std::string& backups, uint32_t id,
                                                const std::string& store);

  const BackupDescription& description() const { return description_; }
  // Compares each file with its checksum as it is copied. Errors: kDataLoss (naming the file),
  // kUnavailable (stopped; the device).
  Status Copy(CopyProgress* progress);
  // The copy, open for reading, for checks. REQUIRES: Copy. Errors: those of OpenRocksDbStore;
  // kDataLoss (it does not hold the versions that the backup names).
  Result<std::unique_ptr<Store>> Open() const;
  // Makes it a store. REQUIRES: Copy, and nobody has it open.
  Status Finish();

 private:
  Restore(BackupFolder backups, BackupDescription description, std::string store)
      : backups_(std::move(backups)),
        description_(std::move(description)),
        store_(std::move(store)) {}

  const BackupFolder backups_;
  const BackupDescription description_;
  const std::string store_;
  std::optional<FolderLock> lock_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_ROCKSDB_RESTORE_H_
