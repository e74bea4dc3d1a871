// Sends spans to a collector, from a thread of its own: serving never waits for it.
#ifndef AUGSTORE_SERVER_TRACES_SPAN_EXPORTER_H_
#define AUGSTORE_SERVER_TRACES_SPAN_EXPORTER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "server/traces/collector.h"
#include "server/traces/span_queue.h"

namespace augstore {

struct SpanExporterOptions {
  size_t most_waiting = 8192;                     // spans, of some KiB each
  size_t most_at_once = 512;                      // in one request
  std::chrono::milliseconds patience{1'000};      // before fewer are sent
  std::chrono::milliseconds answer_limit{5'000};  // of one request
  // Between attempts while the collector does not answer, or has no room; each is twice as long.
  std::chrono::milliseconds first_pause{500};
  std::chrono::milliseconds last_pause{30'000};
  std::chrono::milliseconds between_warnings{60'000};
  std::chrono::milliseconds at_stop{1'000};  // for what waits when the server stops
};

// Lifecycle: the constructor starts, the destructor stops. Thread-safe.
class SpanExporter {
 public:
  // `warn` is told, on the exporter's thread, why spans cannot be sent: at once, and then once
  // between options.between_warnings.
  using Warn = std::function<void(const std::string&)>;
  SpanExporter(Collector collector, Warn warn, const SpanExporterOptions& options = {});
  // To the collector at `url`; null when that is empty. Errors: those of ParseCollector.
  static Result<std::unique_ptr<SpanExporter>> Start(std::string_view url, Warn warn);
  ~SpanExporter();
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  SpanQueue* queue() { return &queue_; }

 private:
  using Clock = std::chrono::steady_clock;
  void Run();
  // Until the collector has them, they can never be sent, or the server stops.
  void Deliver(const std::string& json, size_t spans);
  void WarnSometimes(const std::string& why);
  // The time after Stop is over, too.
  bool IsOver() const { return Clock::now() >= end_.load(); }

  const Collector collector_;
  const Warn warn_;
  const SpanExporterOptions options_;
  SpanQueue queue_;
  std::atomic<bool> stopping_ = false;
  std::atomic<Clock::time_point> end_ = Clock::time_point::max();
  // Of the thread.
  Clock::time_point next_warning_ = Clock::time_point::min();
  std::thread thread_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_SPAN_EXPORTER_H_
