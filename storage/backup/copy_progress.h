// How far a long copy of files is, and whether it is to go on.
#ifndef AUGSTORE_STORAGE_BACKUP_COPY_PROGRESS_H_
#define AUGSTORE_STORAGE_BACKUP_COPY_PROGRESS_H_

#include <atomic>
#include <cstdint>

namespace augstore {

// Thread-safe: one thread copies, others look on.
struct CopyProgress {
  std::atomic<uint64_t> total_bytes = 0;  // 0: not known yet
  std::atomic<uint64_t> copied_bytes = 0;
  std::atomic<bool> stop = false;  // set it, and the copy ends soon with kUnavailable
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_BACKUP_COPY_PROGRESS_H_
