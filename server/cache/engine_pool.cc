#include "server/cache/engine_pool.h"

#include "engine/transforms/precision.h"

namespace augstore {

EnginePool::Lease EnginePool::Acquire() {
  std::unique_ptr<Engine> engine;
  {
    const MutexLock lock(mutex_);
    if (!free_.empty()) {
      engine = std::move(free_.back());
      free_.pop_back();
    }
  }
  // Outside the lock: an engine allocates its scratch memory.
  if (engine == nullptr) engine = NewEngine(precision_);
  return Lease(this, std::move(engine));
}

void EnginePool::Return(std::unique_ptr<Engine> engine) {
  const MutexLock lock(mutex_);
  free_.push_back(std::move(engine));
}

}  // namespace augstore
