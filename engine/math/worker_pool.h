// Runs the parts of one step on a few threads. The phases of a step follow each other within
// microseconds, and waking a thread takes longer than that. So an idle thread looks for work for a
// little while, yielding its core to any other thread, and then sleeps. A trainer shares its cores
// with the thread that produces its batches; OpenMP teams, which spin, would take them from it.
#ifndef AUGSTORE_ENGINE_MATH_WORKER_POOL_H_
#define AUGSTORE_ENGINE_MATH_WORKER_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "schemas/base/thread_annotations.h"

namespace augstore {

// Thread safety: one caller at a time.
class WorkerPool {
 public:
  // Called with the number of the part, and that of the thread that runs it: 0 .. threads() - 1.
  // Must not throw.
  using Task = std::function<void(size_t part, size_t thread)>;

  // The caller is one of the threads, so threads - 1 are started. REQUIRES: threads >= 1.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t threads() const { return workers_.size() + 1; }
  // Runs every part in [0, parts) once, in any order, and returns when all are done. Gemm inside a
  // part runs on one thread, so the result does not depend on the number of threads.
  void Run(size_t parts, const Task& task);

 private:
  void Work(size_t thread);
  // Takes parts of `task` until none is left.
  void TakeParts(const Task& task, size_t parts, size_t thread);

  Mutex mutex_;
  std::condition_variable more_;
  std::condition_variable done_;
  const Task* task_ AUGSTORE_GUARDED_BY(mutex_) = nullptr;  // of the run that workers may join
  size_t parts_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  bool stop_ AUGSTORE_GUARDED_BY(mutex_) = false;
  std::atomic<size_t> next_ = 0;     // part of the run
  std::atomic<size_t> working_ = 0;  // workers that have joined it; raised under mutex_
  std::atomic<uint64_t> runs_ = 0;   // begun; raised under mutex_
  std::vector<std::thread> workers_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_WORKER_POOL_H_
