// RocksDB's own log, kept in the store's folder: what it did to which file, and why a write failed.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_LOG_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_LOG_H_

#include <rocksdb/env.h>

#include <cstdio>
#include <string>

#include "schemas/base/thread_annotations.h"

namespace augstore {

// Writes to LOG in a folder, which becomes LOG.old when it has grown to 4 MiB. RocksDB's own logger
// ends the process when its device is full; this one then leaves lines out, because the reason of a
// failed call reaches its caller as a Status as well.
class RocksDbLog final : public rocksdb::Logger {
 public:
  explicit RocksDbLog(const std::string& folder);
  ~RocksDbLog() override;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  // Hundreds of lines of options at each opening, which never change.
  void LogHeader(const char* /*format*/, va_list /*arguments*/) override {}

 private:
  void Rotate() AUGSTORE_REQUIRES(mutex_);

  const std::string path_;
  Mutex mutex_;
  std::FILE* file_ AUGSTORE_GUARDED_BY(mutex_) = nullptr;  // null: it cannot be written
  size_t bytes_ AUGSTORE_GUARDED_BY(mutex_) = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_LOG_H_
