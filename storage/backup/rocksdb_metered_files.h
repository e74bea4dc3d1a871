// Files whose reading is counted, and can be stopped: RocksDB's backup engine tells neither how far
// it is nor stops while it restores or verifies.
#ifndef AUGSTORE_STORAGE_BACKUP_ROCKSDB_METERED_FILES_H_
#define AUGSTORE_STORAGE_BACKUP_ROCKSDB_METERED_FILES_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>

#include "storage/backup/copy_progress.h"

namespace augstore {

// The files of another file system. What is read from beginning to end, as copies are, is added to
// `progress`; once it is to stop, such reads fail. Thread-safe.
class MeteredFiles final : public rocksdb::FileSystemWrapper {
 public:
  // `progress` must outlive it.
  MeteredFiles(const std::shared_ptr<rocksdb::FileSystem>& files, CopyProgress* progress)
      : rocksdb::FileSystemWrapper(files), progress_(progress) {}
  const char* Name() const override { return "augstore.MeteredFiles"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;

 private:
  CopyProgress* const progress_;
};

// An Env on the metered files of `base`, which must outlive it, as must `progress`.
std::unique_ptr<rocksdb::Env> MeteredEnv(rocksdb::Env* base, CopyProgress* progress);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_ROCKSDB_METERED_FILES_H_
