#include "engine/worker_pool.h"

#include "engine/onednn_gemm.h"
#include "schemas/status.h"

namespace augstore {

WorkerPool::WorkerPool(int threads) {
  AUGSTORE_CHECK(threads >= 1);
  for (size_t thread = 1; thread < static_cast<size_t>(threads); ++thread) {
    workers_.emplace_back([this, thread] { Work(thread); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  more_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::Run(size_t parts, const Task& task) {
  const int compute_threads = ComputeThreads();
  SetComputeThreads(1);
  if (workers_.empty() || parts == 1) {
    for (size_t part = 0; part < parts; ++part) task(part, 0);
  } else {
    std::unique_lock<std::mutex> lock(mutex_);
    task_ = &task;
    parts_ = parts;
    next_ = 0;
    finished_ = 0;
    more_.notify_all();
    TakeParts(0, lock);
    done_.wait(lock, [this] { return finished_ == parts_; });
  }
  SetComputeThreads(compute_threads);
}

void WorkerPool::TakeParts(size_t thread, std::unique_lock<std::mutex>& lock) {
  while (next_ < parts_) {
    const size_t part = next_++;
    const Task& task = *task_;
    lock.unlock();
    task(part, thread);
    lock.lock();
    if (++finished_ == parts_) done_.notify_one();
  }
}

void WorkerPool::Work(size_t thread) {
  SetComputeThreads(1);
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return stop_ || next_ < parts_; });
    if (stop_) return;
    TakeParts(thread, lock);
  }
}

}  // namespace augstore
