// Internal to the server folder: says what a run of batches waits for.
#ifndef AUGSTORE_SERVER_SOCKETS_RUN_CLOCK_H_
#define AUGSTORE_SERVER_SOCKETS_RUN_CLOCK_H_

#include <chrono>
#include <memory>
#include <utility>

#include "server/metrics/server_metrics.h"
#include "server/traces/request_trace.h"

namespace augstore {

// Lives while a request is answered; counts nothing unless that is a run. Thread safety: none;
// `metrics` is shared.
class RunClock {
 public:
  // `stream`: of the request's ReplySource; null unless it is a run. `trace`: may be null.
  RunClock(ServerMetrics* metrics, std::shared_ptr<StreamSlot> stream, RequestTrace* trace)
      : metrics_(metrics), stream_(std::move(stream)), trace_(trace) {
    if (stream_ == nullptr) return;
    ++metrics_->running_streams;
    lap_ = Clock::now();
  }
  ~RunClock() {
    if (stream_ == nullptr) return;
    --metrics_->running_streams;
    const std::shared_ptr<StreamActivity> activity = stream_->Get();
    if (activity != nullptr) activity->Begin(StreamActivity::Wait::kNothing, Clock::now());
  }
  RunClock(const RunClock&) = delete;
  RunClock& operator=(const RunClock&) = delete;

  // The time since the last of these calls was spent waiting for a reply to be made, or for the
  // client to take one.
  void WaitedForServer() {
    Lap(&ServerMetrics::wait_for_server_seconds, &StreamActivity::wait_for_server,
        &RequestTrace::wait_for_server_seconds, StreamActivity::Wait::kClient);
  }
  void WaitedForClient() {
    Lap(&ServerMetrics::wait_for_client_seconds, &StreamActivity::wait_for_client,
        &RequestTrace::wait_for_client_seconds, StreamActivity::Wait::kServer);
  }

 private:
  using Clock = std::chrono::steady_clock;
  void Lap(TimeSum ServerMetrics::*of_all, TimeSum StreamActivity::*of_stream,
           TimeSum RequestTrace::*of_run, StreamActivity::Wait next) {
    if (stream_ == nullptr) return;
    const Clock::time_point now = Clock::now();
    (metrics_->*of_all).Add(now - lap_);
    if (trace_ != nullptr) (trace_->*of_run).Add(now - lap_);
    const std::shared_ptr<StreamActivity> activity = stream_->Get();
    if (activity != nullptr) {
      activity->Begin(next, now);
      ((*activity).*of_stream).Add(now - lap_);
    }
    lap_ = now;
  }

  ServerMetrics* const metrics_;
  const std::shared_ptr<StreamSlot> stream_;
  RequestTrace* const trace_;
  Clock::time_point lap_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_RUN_CLOCK_H_
