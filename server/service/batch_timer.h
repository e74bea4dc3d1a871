// Internal to the server folder: has the metrics and a trace know where the time of a batch went.
#ifndef AUGSTORE_SERVER_SERVICE_BATCH_TIMER_H_
#define AUGSTORE_SERVER_SERVICE_BATCH_TIMER_H_

#include "engine/streams/batch_times.h"
#include "server/metrics/server_metrics.h"
#include "server/traces/request_trace.h"

namespace augstore {

// Lives while one batch is built. Thread safety: none; `metrics` and `trace`, which may be null,
// are shared.
class BatchTimer {
 public:
  BatchTimer(ServerMetrics* metrics, RequestTrace* trace) : metrics_(metrics), trace_(trace) {}
  ~BatchTimer() {
    const BatchTimes::Clock::duration all = BatchTimes::Clock::now() - began_;
    ++metrics_->batches_built;
    metrics_->build_seconds.Observe(all);
    metrics_->store_seconds.Add(times_.store);
    metrics_->transform_seconds.Add(times_.transform);
    // Order, draws, and the body's other columns and checksum.
    metrics_->encode_seconds.Add(all - times_.store - times_.transform);
    metrics_->launches += times_.launches;
    metrics_->launch_rows += times_.launch_rows;
    if (trace_ == nullptr) return;
    trace_->store_seconds.Add(times_.store);
    trace_->transform_seconds.Add(times_.transform);
    trace_->encode_seconds.Add(all - times_.store - times_.transform);
  }
  BatchTimer(const BatchTimer&) = delete;
  BatchTimer& operator=(const BatchTimer&) = delete;

  BatchTimes* times() { return &times_; }

 private:
  ServerMetrics* const metrics_;
  RequestTrace* const trace_;
  const BatchTimes::Clock::time_point began_ = BatchTimes::Clock::now();
  BatchTimes times_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_BATCH_TIMER_H_
