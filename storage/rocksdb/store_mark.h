// The mark of a store: a small file beside the database that notes the last write that was
// acknowledged. A database log that ends early looks like one that was never written further; only
// a note outside the log can tell the two apart. Opening compares what the database recovers with
// the mark, and refuses a store that lost something.
//
// The file has two slots that are written in turn, so that a write that is cut off leaves the other
// slot. A note that is older than the truth only makes the check weaker, never wrong.
//
// Thread safety: one thread at a time calls Acknowledge.
#ifndef AUGSTORE_STORAGE_ROCKSDB_STORE_MARK_H_
#define AUGSTORE_STORAGE_ROCKSDB_STORE_MARK_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "schemas/base/status.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {

inline constexpr char kMarkFile[] = "MARK";

struct MarkNote {
  std::string store_id;   // 32 hexadecimal digits
  uint64_t sequence = 0;  // RocksDB's number of the last acknowledged write; 0: none yet
};

// Makes the mark of a new store (sequence 0), or replaces the one that is there, durably. Errors:
// kUnavailable.
Status WriteMark(const std::string& folder, const MarkNote& note);

// Errors: kNotFound (there is none), kFailedPrecondition (a newer augstore wrote it), kDataLoss
// (neither slot is whole), kUnavailable.
Result<MarkNote> ReadMark(const std::string& folder);

// The mark of a store that is open for writing.
class StoreMark {
 public:
  // Errors: as ReadMark.
  static Result<std::unique_ptr<StoreMark>> Open(const std::string& folder);
  // Syncs the last note.
  ~StoreMark();
  StoreMark(const StoreMark&) = delete;
  StoreMark& operator=(const StoreMark&) = delete;

  const MarkNote& note() const { return note_; }

  // Notes that every write up to `sequence` may be acknowledged. When this returns ok, the note
  // survives the end of the process; another thread syncs it to the device soon after, because a
  // second sync here would double the time of each write, and the write itself is synced already.
  // Errors: kUnavailable.
  Status Acknowledge(uint64_t sequence);
  // Syncs the last note now. Errors: kUnavailable.
  Status Sync();

 private:
  StoreMark(int fd, MarkNote note, uint64_t turn, std::string path);
  void SyncLoop();

  const int fd_;
  const std::string path_;
  MarkNote note_;
  uint64_t turn_;  // of the newest slot
  Mutex mutex_;
  std::condition_variable changed_;
  bool unsynced_ AUGSTORE_GUARDED_BY(mutex_) = false;
  bool closing_ AUGSTORE_GUARDED_BY(mutex_) = false;
  std::thread syncer_;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_ROCKSDB_STORE_MARK_H_
