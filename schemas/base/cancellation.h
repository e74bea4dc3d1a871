// When to give up a long computation that a client asked for.
#ifndef AUGSTORE_SCHEMAS_BASE_CANCELLATION_H_
#define AUGSTORE_SCHEMAS_BASE_CANCELLATION_H_

#include <chrono>
#include <stop_token>
#include <utility>

#include "schemas/base/status.h"

namespace augstore {

// A signal that another thread may give, and a deadline. Cheap to copy. Thread-safe.
class Cancellation {
 public:
  using Clock = std::chrono::steady_clock;

  Cancellation() = default;  // never
  Cancellation(std::stop_token stop, Clock::time_point deadline)
      : stop_(std::move(stop)), deadline_(deadline) {}

  // The signal alone, for what must end at a stop but has no deadline of its own.
  const std::stop_token& stop() const { return stop_; }

  // To be asked some ten times a second. Errors: kUnavailable (the signal was given),
  // kDeadlineExceeded.
  Status Check() const {
    if (stop_.stop_requested()) {
      return Unavailable("the request was given up: its client is gone, or the server stops");
    }
    if (Clock::now() < deadline_) return OkStatus();
    return DeadlineExceeded(
        "the request took longer than the server allows for one reply: ask for fewer rows at once, "
        "or start the server with a longer --request-timeout");
  }

 private:
  std::stop_token stop_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_CANCELLATION_H_
