// Runs the parts of one step on a few threads. Idle threads sleep, they do not spin: a trainer
// shares its cores with the thread that produces its batches, and spinning OpenMP teams would take
// the cores from it.
#ifndef AUGSTORE_ENGINE_WORKER_POOL_H_
#define AUGSTORE_ENGINE_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace augstore {

// Thread safety: one caller at a time.
class WorkerPool {
 public:
  // Gets the part's number and the number of the thread that runs it, 0 .. threads() - 1. Must not
  // throw.
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
  // Takes parts until none is left. `lock` is held on entry and on return.
  void TakeParts(size_t thread, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable more_;
  std::condition_variable done_;
  const Task* task_ = nullptr;
  size_t parts_ = 0;
  size_t next_ = 0;
  size_t finished_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_WORKER_POOL_H_
