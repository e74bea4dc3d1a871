// Loads segments before they are asked for. Internal to storage.
#ifndef AUGSTORE_STORAGE_STORE_READ_AHEAD_H_
#define AUGSTORE_STORAGE_STORE_READ_AHEAD_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "storage/store/segment.h"

namespace augstore {

// Thread-safe. Its threads start with the first call of Ask.
class ReadAhead {
 public:
  // `load` brings a segment into memory, on threads of this object. Its errors are dropped: the
  // reader of the segment meets and reports them.
  explicit ReadAhead(std::function<void(const SegmentId&)> load) : load_(std::move(load)) {}
  // Waits for the loads that run and forgets the others.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Queues these segments, in this order, after those of earlier calls. Requests are dropped when
  // kMostAsked are queued, or when `wanted` has expired before their turn.
  void Ask(std::span<const SegmentId> segments, const std::weak_ptr<const void>& wanted);

  static constexpr size_t kMostAsked = 1u << 16;

 private:
  struct Item {
    SegmentId segment;
    std::weak_ptr<const void> wanted;
  };
  void Run();

  const std::function<void(const SegmentId&)> load_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> asked_ AUGSTORE_GUARDED_BY(mutex_);
  bool stopping_ AUGSTORE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // written under mutex_
};

// Keeps two threads from loading one segment at the same time. Thread-safe.
class LoadTurns {
 public:
  class Turn {
   public:
    // Waits until no other thread has the turn for `segment`.
    Turn(LoadTurns* turns, const SegmentId& segment);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    LoadTurns* const turns_;
    const SegmentId segment_;
  };

 private:
  Mutex mutex_;
  std::condition_variable ended_;
  // As many as threads load, at most.
  std::vector<SegmentId> running_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_READ_AHEAD_H_
