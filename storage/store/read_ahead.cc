#include "storage/store/read_ahead.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace augstore {
namespace {

// A device answers two at a time faster than one, and checking takes about as long as reading.
constexpr size_t kThreads = 2;

}  // namespace

ReadAhead::~ReadAhead() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ReadAhead::Ask(std::span<const SegmentId> segments,
                    const std::weak_ptr<const void>& wanted) try {
  {
    const MutexLock lock(mutex_);
    try {
      while (threads_.size() < kThreads) threads_.emplace_back([this] { Run(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return;  // no thread to be had: readers load by themselves
    }
    for (const SegmentId& segment : segments) {
      if (asked_.size() == kMostAsked) break;
      asked_.push_back({segment, wanted});
    }
  }
  changed_.notify_all();
} catch (const std::bad_alloc&) {  // the hint is dropped
}

void ReadAhead::Run() {
  MutexLock lock(mutex_);
  while (true) {
    while (!stopping_ && asked_.empty()) changed_.wait(lock.native());
    if (stopping_) return;
    const Item item = std::move(asked_.front());
    asked_.pop_front();
    if (item.wanted.expired()) continue;
    lock.unlock();
    try {
      load_(item.segment);
    } catch (const std::exception&) {  // the reader will meet it
    }
    lock.lock();
  }
}

LoadTurns::Turn::Turn(LoadTurns* turns, const SegmentId& segment)
    : turns_(turns), segment_(segment) {
  MutexLock lock(turns_->mutex_);
  while (std::ranges::find(turns_->running_, segment_) != turns_->running_.end()) {
    turns_->ended_.wait(lock.native());
  }
  turns_->running_.push_back(segment_);
}

LoadTurns::Turn::~Turn() {
  {
    const MutexLock lock(turns_->mutex_);
    turns_->running_.erase(std::ranges::find(turns_->running_, segment_));
  }
  turns_->ended_.notify_all();
}

}  // namespace augstore
