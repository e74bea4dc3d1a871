// Spans that wait to be sent to a collector.
#ifndef AUGSTORE_SERVER_TRACES_SPAN_QUEUE_H_
#define AUGSTORE_SERVER_TRACES_SPAN_QUEUE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "server/traces/span.h"

namespace augstore {

// Thread-safe.
class SpanQueue {
 public:
  explicit SpanQueue(size_t most) : most_(most) {}

  // Without waiting. When the queue is full, the oldest span is lost: after a collector was gone
  // for hours, the last minutes are worth more than the first.
  void Push(Span span) noexcept;
  // Of spans that were taken and could not be sent.
  void CountLost(uint64_t spans) { lost_ += spans; }
  // Since the start.
  uint64_t lost() const { return lost_; }

  // At most `count` spans, the oldest first. Waits for a span, and then until there are `count`,
  // for `patience` at most. Nothing: the queue was stopped and is empty.
  std::vector<Span> Take(size_t count, std::chrono::milliseconds patience);
  // For `pause`, but not longer than until Stop.
  void Sleep(std::chrono::milliseconds pause);
  // Ends all waits, from now on.
  void Stop();

 private:
  const size_t most_;
  std::atomic<uint64_t> lost_ = 0;
  Mutex mutex_;
  std::condition_variable changed_;
  std::deque<Span> waiting_ AUGSTORE_GUARDED_BY(mutex_);
  size_t wanted_ AUGSTORE_GUARDED_BY(mutex_) = 0;  // how many the caller of Take waits for
  bool stopped_ AUGSTORE_GUARDED_BY(mutex_) = false;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_SPAN_QUEUE_H_
