#include "client/retry.h"

#include <algorithm>
#include <optional>
#include <thread>

namespace augstore {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Backoff {
 public:
  explicit Backoff(const RetryOptions& options) : options_(options) { Reset(); }
  void Reset() {
    pause_ = std::min(options_.first_pause, options_.max_pause);
    deadline_.reset();
  }
  // Nothing when it is time to give up.
  std::optional<milliseconds> Next() {
    const Clock::time_point now = Clock::now();
    if (!deadline_.has_value()) deadline_ = now + options_.total;
    if (now >= *deadline_) return std::nullopt;
    // The last attempt is made when the time is over, not a pause before that.
    const auto left = std::chrono::ceil<milliseconds>(*deadline_ - now);
    const auto pause = std::min(pause_, left);
    pause_ = std::min(std::max(pause_ * 2, milliseconds(1)), options_.max_pause);
    return pause;
  }

 private:
  const RetryOptions options_;
  milliseconds pause_{};
  std::optional<Clock::time_point> deadline_;  // from the first failure on
};

}  // namespace

bool SleepFor(milliseconds pause) {
  std::this_thread::sleep_for(pause);
  return true;
}

Status Retry(const RetryOptions& options, const std::function<Attempt()>& attempt,
             const Pause& pause) {
  Backoff backoff(options);
  for (;;) {
    Attempt made = attempt();
    if (!made.again) return made.status;
    AUGSTORE_CHECK(!made.status.ok());
    if (made.progress) backoff.Reset();
    const std::optional<milliseconds> next = backoff.Next();
    if (!next.has_value() || !pause(*next)) return made.status;
  }
}

}  // namespace augstore
