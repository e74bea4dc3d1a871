// Which streams are read, by whom, how fast, and what they wait for.
#ifndef AUGSTORE_SERVER_METRICS_STREAM_TABLE_H_
#define AUGSTORE_SERVER_METRICS_STREAM_TABLE_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/base/types.h"
#include "server/metrics/histogram.h"

namespace augstore {

struct StreamDescription {
  // Stands for the connection, and is not looked into: its Principal, which each has for itself.
  // Peers do not tell connections apart, as a process may have several.
  const void* connection = nullptr;
  std::string who;         // "key k3jd72na"
  std::string peer;        // "tcp 10.0.0.5:40122"
  std::string collection;  // "photos@3"
  std::string policy;
  Digest fingerprint;
  uint32_t rank = 0;
  uint32_t world_size = 1;
  uint32_t batch_size = 0;
  uint64_t steps = 0;         // of an epoch
  std::string trace_id = {};  // of the run that began it; empty: it is in no trace
};

// One stream as one connection reads it, over all its runs of batches. Thread-safe: what may change
// is atomic.
struct StreamActivity {
  using Clock = std::chrono::steady_clock;
  StreamActivity(uint64_t number, StreamDescription is) : id(number), of(std::move(is)) {}

  const uint64_t id;  // of no other since the server was started
  const StreamDescription of;
  const Clock::time_point began = Clock::now();

  std::atomic<uint64_t> epoch{0};
  std::atomic<uint64_t> step{0};  // after the last batch that was made
  std::atomic<uint64_t> batches{0};
  std::atomic<uint64_t> rows{0};
  TimeSum wait_for_server;
  TimeSum wait_for_client;
  std::atomic<uint32_t> runs{0};  // that are being answered
  std::atomic<Clock::time_point> last{Clock::now()};
  // What it waits for now, and since when; what was waited for before is in the sums.
  enum class Wait : uint8_t { kNothing, kServer, kClient };
  std::atomic<Wait> wait{Wait::kNothing};
  std::atomic<Clock::time_point> wait_began{Clock::now()};
  std::atomic<bool> gone{false};     // its connection is closed
  std::atomic<bool> stopped{false};  // an administrator ended it

  void Begin(Wait next, Clock::time_point now) {
    wait_began = now;
    wait = next;
  }
  // Of the wait that goes on, if it is for `what`.
  double OpenSeconds(Wait what, Clock::time_point now) const {
    if (wait != what) return 0;
    return std::max(0.0, std::chrono::duration<double>(now - wait_began.load()).count());
  }
};

// Where a run of batches puts the activity that it belongs to, once that is known. Thread-safe.
class StreamSlot {
 public:
  void Set(std::shared_ptr<StreamActivity> activity) {
    const MutexLock lock(mutex_);
    activity_ = std::move(activity);
  }
  std::shared_ptr<StreamActivity> Get() {
    const MutexLock lock(mutex_);
    return activity_;
  }

 private:
  Mutex mutex_;
  std::shared_ptr<StreamActivity> activity_ AUGSTORE_GUARDED_BY(mutex_);
};

// Thread-safe.
class StreamTable {
 public:
  // At most so many are known: one without a run makes room. One that has had none for a minute is
  // not listed.
  static constexpr size_t kMost = 512;
  static constexpr std::chrono::seconds kKept{60};

  // The activity of this connection with this fingerprint and rank, which is known already or
  // begins now, with one run more: the caller ends that with `--runs`. It is not listed when kMost
  // others have runs.
  std::shared_ptr<StreamActivity> Join(StreamDescription description);
  // The connection is closed: what it read is forgotten once no run is left. Returns that.
  std::vector<std::shared_ptr<const StreamActivity>> Leave(const void* connection);
  // Has its runs end with an error. False: there is none with this id.
  bool StopStream(uint64_t id);
  // The oldest first.
  std::vector<std::shared_ptr<const StreamActivity>> List();

 private:
  void Forget() AUGSTORE_REQUIRES(mutex_);

  Mutex mutex_;
  std::list<std::shared_ptr<StreamActivity>> known_ AUGSTORE_GUARDED_BY(mutex_);
  uint64_t next_id_ AUGSTORE_GUARDED_BY(mutex_) = 1;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_STREAM_TABLE_H_
