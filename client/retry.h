// How long and how often a client tries again when the server does not answer.
#ifndef AUGSTORE_CLIENT_RETRY_H_
#define AUGSTORE_CLIENT_RETRY_H_

#include <chrono>
#include <functional>

#include "schemas/base/status.h"

namespace augstore {

// Pauses double from first_pause to max_pause, until `total` has passed since the first failure.
struct RetryOptions {
  std::chrono::milliseconds total{60'000};  // 0: do not retry
  std::chrono::milliseconds first_pause{50};
  std::chrono::milliseconds max_pause{1'000};
};

// How one attempt ended.
struct Attempt {
  Status status;
  bool again = false;     // a later attempt may succeed
  bool progress = false;  // the failure is a new one: the time for it starts now
};

// Waits before the next attempt. False: there is to be none.
using Pause = std::function<bool(std::chrono::milliseconds)>;
bool SleepFor(std::chrono::milliseconds pause);

// Calls `attempt` until it says not to try again, the time of `options` is over or `pause` returns
// false; returns the status of the last attempt.
Status Retry(const RetryOptions& options, const std::function<Attempt()>& attempt,
             const Pause& pause = SleepFor);

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_RETRY_H_
