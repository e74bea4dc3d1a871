// Who wrote what, and who was refused what: a JSON line each, in the folder `audit` of the store.
// Writing is left to a thread, so no request waits for the device; what it cannot keep up with is
// counted, and a line says how many are missing.
#ifndef AUGSTORE_SERVER_ACCESS_AUDIT_LOG_H_
#define AUGSTORE_SERVER_ACCESS_AUDIT_LOG_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "schemas/base/status.h"
#include "schemas/base/thread_annotations.h"
#include "server/access/audit_file.h"
#include "server/access/principal.h"

namespace augstore {

struct AuditEntry {
  std::string what;    // "CommitDraft"
  std::string target;  // "collection photos", "draft 17"; may be empty
  std::string result;  // "photos@3"; may be empty
  Status outcome;
};

// Whether `outcome` says that the caller may not do it.
bool IsRefusal(const Status& outcome);

// Lines that wait to be written. Thread-safe.
class AuditQueue {
 public:
  explicit AuditQueue(size_t most_bytes) : most_bytes_(most_bytes) {}
  // Without waiting. False: there is no room, and the line counts as lost.
  bool Push(std::string_view line);
  void CountLost(uint64_t lines, std::string_view why);
  // The same, of lines that were taken already.
  void CountUnwritten() { ++all_lost_; }
  // Ends the wait of Take, when all lines were taken.
  void Stop();

  struct Taken {
    std::string lines;
    uint64_t count = 0;  // of lines
    uint64_t lost = 0;   // before them, since the last call
    std::string why;     // the last of them
    bool stopped = false;
  };
  // All lines; waits while there are none and nothing was lost.
  Taken Take();
  uint64_t lost() const { return all_lost_; }

 private:
  const size_t most_bytes_;
  std::atomic<uint64_t> all_lost_ = 0;
  Mutex mutex_;
  std::condition_variable changed_;
  Taken waiting_ AUGSTORE_GUARDED_BY(mutex_);
};

// Thread-safe.
class AuditLog {
 public:
  static constexpr size_t kQueueBytes = size_t{4} << 20;
  // More refusals and failed writes in a second are counted as lost: whoever has no key could
  // otherwise fill the files, and push out what matters.
  static constexpr int kMostFailures = 100;

  // Nothing is made before the first line. `max_bytes`: of one file; ten are kept.
  AuditLog(const std::string& store_folder, uint64_t max_bytes);
  // Writes what waits.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Never waits for the device and never fails.
  void Add(const Principal& caller, const AuditEntry& entry) noexcept;
  // Lines that are missing so far.
  uint64_t lost() const { return queue_.lost(); }

 private:
  bool IsTooOften();
  void Run();
  // Writes `lines`, and before them how many are missing.
  void Write(std::string_view lines);

  AuditQueue queue_{kQueueBytes};
  Mutex failures_mutex_;
  std::chrono::steady_clock::time_point second_ AUGSTORE_GUARDED_BY(failures_mutex_);
  int failures_ AUGSTORE_GUARDED_BY(failures_mutex_) = 0;  // in that second
  // Of the thread.
  AuditFile file_;
  uint64_t missing_ = 0;  // lines, of which no line says so yet
  std::string why_;
  std::thread thread_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_AUDIT_LOG_H_
