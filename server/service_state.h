// Internal to the server folder: what the handlers of a Service share.
#ifndef AUGSTORE_SERVER_SERVICE_STATE_H_
#define AUGSTORE_SERVER_SERVICE_STATE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "engine/streams/stream.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/wire/frame.h"
#include "server/batch_cache.h"
#include "server/engine_pool.h"
#include "server/recently_used.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// The `capacity` values that were used last. Thread-safe.
template <typename Key, typename Value>
class RecentlyUsed {
 public:
  using Pointer = std::shared_ptr<const Value>;
  explicit RecentlyUsed(size_t capacity) : capacity_(capacity) {}

  // Null when there is none.
  Pointer Find(const Key& key) {
    const MutexLock lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (!(entry->first == key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->second;
    }
    return nullptr;
  }
  // The first value that `matches`, or null. Does not count as a use.
  template <typename Predicate>
  Pointer FindIf(const Predicate& matches) {
    const MutexLock lock(mutex_);
    for (const auto& [key, value] : entries_) {
      if (matches(*value)) return value;
    }
    return nullptr;
  }
  void Insert(const Key& key, Pointer value) {
    const MutexLock lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
    entries_.emplace_front(key, std::move(value));
    if (entries_.size() > capacity_) entries_.pop_back();
  }

 private:
  const size_t capacity_;
  Mutex mutex_;
  std::list<std::pair<Key, Pointer>> entries_ AUGSTORE_GUARDED_BY(mutex_);
};

// Engines of one precision, one for each thread that is building something right now. Thread-safe.
class EnginePool {
 public:
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
  Lease Take();

 private:
  void Return(std::unique_ptr<Engine> engine);

  const Precision precision_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Engine>> free_ AUGSTORE_GUARDED_BY(mutex_);
};

inline constexpr size_t kRequestTypes =
    20;  // 1 .. 19, as sessions answer 20 themselves; 0: unknown
inline constexpr size_t kCachedStreams = 32;
inline constexpr size_t kCachedTables = 8;

// Thread-safe: every member is, or is constant.
struct ServiceState {
  ServiceState(Catalog* the_catalog, std::string the_address, uint64_t batch_cache_bytes)
      : catalog(the_catalog),
        address(std::move(the_address)),
        models(the_catalog),
        kept_batches(batch_cache_bytes) {}

  Catalog* const catalog;
  const std::string address;
  ModelCache models;
  EnginePool engines{Precision::kF32};
  EnginePool int8_engines{Precision::kInt8};
  BatchCache kept_batches;
  RecentlyUsed<StreamSpec, Stream> streams{kCachedStreams};  // by the pinned spec
  // Of queries, by collection version and label column.
  RecentlyUsed<std::pair<std::string, std::string>, SampleTable> tables{kCachedTables};

  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::array<std::atomic<uint64_t>, kRequestTypes> requests{};  // by number of type; 0: unknown
  std::atomic<uint64_t> batches{0};                             // of runs
  std::atomic<uint64_t> batches_built{0};                       // computed for them
  std::atomic<uint64_t> rows{0};                                // in those batches
  std::atomic<uint64_t> reply_bytes{0};                         // bodies of all replies
  std::atomic<uint32_t> connections{0};
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_STATE_H_
