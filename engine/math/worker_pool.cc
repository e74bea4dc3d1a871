#include "engine/math/worker_pool.h"

#include <chrono>

#include "engine/math/compute_threads.h"
#include "schemas/base/status.h"

namespace augstore {
namespace {

// About as long as it takes to wake a thread in a virtual machine.
constexpr std::chrono::microseconds kLook{50};

// Waits until found() is true, for kLook at most.
template <class Found>
void LookFor(const Found& found) {
  const auto end = std::chrono::steady_clock::now() + kLook;
  while (!found() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

WorkerPool::WorkerPool(int threads) {
  AUGSTORE_CHECK(threads >= 1);
  for (size_t thread = 1; thread < static_cast<size_t>(threads); ++thread) {
    workers_.emplace_back([this, thread] { Work(thread); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  more_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::Run(size_t parts, const Task& task) {
  const int compute_threads = ComputeThreads();
  SetComputeThreads(1);
  if (workers_.empty() || parts <= 1) {
    for (size_t part = 0; part < parts; ++part) task(part, 0);
  } else {
    {
      const MutexLock lock(mutex_);
      AUGSTORE_CHECK(task_ == nullptr && working_ == 0);  // one caller at a time
      task_ = &task;
      parts_ = parts;
      next_ = 0;
      ++runs_;
    }
    more_.notify_all();
    TakeParts(task, parts, 0);
    LookFor([this] { return working_ == 0; });
    // No worker joins a run whose task is gone, so none touches `task` after this function returns.
    MutexLock lock(mutex_);
    task_ = nullptr;
    while (working_ != 0) done_.wait(lock.native());
  }
  SetComputeThreads(compute_threads);
}

void WorkerPool::TakeParts(const Task& task, size_t parts, size_t thread) {
  for (size_t part = next_++; part < parts; part = next_++) task(part, thread);
}

void WorkerPool::Work(size_t thread) {
  SetComputeThreads(1);
  uint64_t seen = 0;
  while (true) {
    LookFor([this, seen] { return runs_ != seen; });
    MutexLock lock(mutex_);
    while (!stop_ && runs_ == seen) more_.wait(lock.native());
    if (stop_) return;
    seen = runs_;
    if (task_ == nullptr) continue;  // the other threads have finished it
    const Task& task = *task_;
    const size_t parts = parts_;
    ++working_;
    lock.unlock();
    TakeParts(task, parts, thread);
    lock.lock();
    if (--working_ == 0) done_.notify_one();
  }
}

}  // namespace augstore
