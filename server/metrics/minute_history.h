// What a server did in each minute of the last hour.
#ifndef AUGSTORE_SERVER_METRICS_MINUTE_HISTORY_H_
#define AUGSTORE_SERVER_METRICS_MINUTE_HISTORY_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "schemas/base/thread_annotations.h"

namespace augstore {

// Sums since the server was started.
struct ServerTotals {
  uint64_t rows = 0;
  uint64_t batches = 0;
  uint64_t requests = 0;
  double wait_for_server_s = 0;
  double wait_for_client_s = 0;
};

// Thread-safe.
class MinuteHistory {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kStep{60};
  static constexpr size_t kMost = 60;

  explicit MinuteHistory(Clock::time_point began = Clock::now()) : next_(began) {}

  // Whether a minute has ended, so that Note is to be called.
  bool IsDue(Clock::time_point now) const;
  // Remembers the totals at the end of each minute. To be called at least as often as that: of a
  // minute in which it is not, the next one has what was done.
  void Note(Clock::time_point now, const ServerTotals& totals);
  // {"step_s", and of each field of ServerTotals its growth in each minute, the oldest first; the
  // last is the minute that goes on}.
  nlohmann::ordered_json ToJson(const ServerTotals& now) const;

 private:
  mutable Mutex mutex_;
  Clock::time_point next_ AUGSTORE_GUARDED_BY(mutex_);
  std::deque<ServerTotals> ends_ AUGSTORE_GUARDED_BY(mutex_);  // of kMost minutes, oldest first
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_MINUTE_HISTORY_H_
