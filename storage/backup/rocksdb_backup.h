// Making a backup of a store: incremental (tables that an earlier backup in the folder has are not
// copied again), compared with checksums, while the store is in use. Without RocksDB's headers.
#ifndef AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_H_
#define AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_H_

#include <cstdint>
#include <string>

#include "storage/backup/backup_description.h"
#include "storage/backup/copy_progress.h"
#include "storage/store/store.h"

namespace augstore {

struct BackupOptions {
  std::string folder;             // made where there is none
  uint64_t bytes_per_second = 0;  // 0: as fast as it goes
};

// Copies what the store holds at one moment. Takes as long as the copy takes; the store may be used
// meanwhile, and keeps the files that are being copied. A backup that fails or is stopped leaves
// nothing. Errors: kFailedPrecondition (the store is in memory, open for reading, or takes no
// writes; the folder is in use, holds something else or another store's backups), kInvalidArgument
// (the folder is the store's own, or in it), kDataLoss (the store is damaged), kUnavailable
// (stopped; the device, also when it has too little room), kResourceExhausted.
Result<BackupDescription> CreateBackup(Store* store, const BackupOptions& options,
                                       CopyProgress* progress);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_ROCKSDB_BACKUP_H_
