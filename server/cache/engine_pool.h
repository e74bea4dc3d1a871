// Internal to the server folder: an Engine is used by one thread at a time, and workers are many.
#ifndef AUGSTORE_SERVER_CACHE_ENGINE_POOL_H_
#define AUGSTORE_SERVER_CACHE_ENGINE_POOL_H_

#include <memory>
#include <utility>
#include <vector>

#include "engine/kernels/engine.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/weights/dtype.h"

namespace augstore {

// Engines of one precision, as many as were ever used at the same time. Thread-safe.
class EnginePool {
 public:
  // An engine for this thread alone, until the lease is destroyed. The pool must outlive it.
  class Lease {
   public:
    Lease(EnginePool* pool, std::unique_ptr<Engine> engine)
        : pool_(pool), engine_(std::move(engine)) {}
    ~Lease() { pool_->Return(std::move(engine_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Engine& operator*() const { return *engine_; }

   private:
    EnginePool* pool_;
    std::unique_ptr<Engine> engine_;
  };
  explicit EnginePool(Precision precision) : precision_(precision) {}
  Lease Acquire();

 private:
  void Return(std::unique_ptr<Engine> engine);

  const Precision precision_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Engine>> free_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_CACHE_ENGINE_POOL_H_
