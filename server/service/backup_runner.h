// The backup that a server makes: one at a time, on a thread of its own, because it takes longer
// than a request may.
#ifndef AUGSTORE_SERVER_SERVICE_BACKUP_RUNNER_H_
#define AUGSTORE_SERVER_SERVICE_BACKUP_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "schemas/base/thread_annotations.h"
#include "schemas/wire/messages.h"
#include "storage/backup/rocksdb_backup.h"

namespace augstore {

// Thread-safe.
class BackupRunner {
 public:
  // Backups go to `folder` and to folders below it; empty: none are made. `store` must outlive it.
  BackupRunner(Store* store, std::string folder) : store_(store), folder_(std::move(folder)) {}
  // Stops the backup that is being made, and waits for its end.
  ~BackupRunner();

  // As docs/protocol.md says of the requests of these names.
  Result<BackupReply> Start(const StartBackupRequest& request);
  Result<BackupReply> Get(uint64_t run);
  Result<BackupReply> Stop(uint64_t run);
  Result<BackupListReply> List(const ListBackupsRequest& request) const;
  // When one was made last, in Unix seconds; 0: none was.
  int64_t last_made() const { return last_made_; }

 private:
  // What the thread and those who ask share.
  struct Run {
    uint64_t number = 0;
    std::string folder;
    CopyProgress progress;
    std::thread thread;
    std::atomic<bool> is_done = false;
    std::optional<Result<BackupDescription>> made;  // once is_done
  };

  Result<std::string> PathOf(const std::string& name) const;
  // Errors: kNotFound.
  Status CheckRun(uint64_t number) AUGSTORE_REQUIRES(mutex_);
  BackupReply State() AUGSTORE_REQUIRES(mutex_);

  Store* const store_;
  const std::string folder_;
  std::atomic<int64_t> last_made_ = 0;
  Mutex mutex_;
  std::unique_ptr<Run> run_ AUGSTORE_GUARDED_BY(mutex_);  // the last that was begun
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_BACKUP_RUNNER_H_
