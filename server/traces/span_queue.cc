#include "server/traces/span_queue.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace augstore {

void SpanQueue::Push(Span span) noexcept try {
  MutexLock lock(mutex_);
  if (waiting_.size() >= most_) {
    waiting_.pop_front();
    ++lost_;
  }
  waiting_.push_back(std::move(span));
  // A wake-up for each span would cost more than the span.
  const bool is_awaited = waiting_.size() == wanted_;
  lock.unlock();
  if (is_awaited) changed_.notify_all();
} catch (const std::exception&) {  // no memory for it
  ++lost_;
}

std::vector<Span> SpanQueue::Take(size_t count, std::chrono::milliseconds patience) {
  MutexLock lock(mutex_);
  wanted_ = 1;
  while (!stopped_ && waiting_.empty()) changed_.wait(lock.native());
  wanted_ = count;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!stopped_ && waiting_.size() < count) {
    if (changed_.wait_until(lock.native(), end) == std::cv_status::timeout) break;
  }
  wanted_ = 0;
  const auto last =
      waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(count, waiting_.size()));
  std::vector<Span> taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(last));
  waiting_.erase(waiting_.begin(), last);
  return taken;
}

void SpanQueue::Sleep(std::chrono::milliseconds pause) {
  MutexLock lock(mutex_);
  const auto end = std::chrono::steady_clock::now() + pause;
  while (!stopped_) {
    if (changed_.wait_until(lock.native(), end) == std::cv_status::timeout) break;
  }
}

void SpanQueue::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

}  // namespace augstore
