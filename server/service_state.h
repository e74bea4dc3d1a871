// Internal to the server folder: what the handlers of a Service share.
#ifndef AUGSTORE_SERVER_SERVICE_STATE_H_
#define AUGSTORE_SERVER_SERVICE_STATE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/kernels/engine.h"
#include "engine/streams/stream.h"
#include "schemas/wire/frame.h"
#include "schemas/wire/messages.h"
#include "server/batch_cache.h"
#include "server/service.h"
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
    std::lock_guard lock(mutex_);
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
    std::lock_guard lock(mutex_);
    for (const auto& [key, value] : entries_) {
      if (matches(*value)) return value;
    }
    return nullptr;
  }
  void Insert(const Key& key, Pointer value) {
    std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
    entries_.emplace_front(key, std::move(value));
    if (entries_.size() > capacity_) entries_.pop_back();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::list<std::pair<Key, Pointer>> entries_;
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
  std::mutex mutex_;
  std::vector<std::unique_ptr<Engine>> free_;
};

inline constexpr size_t kRequestTypes =
    20;  // 1 .. 19, as sessions answer 20 themselves; 0: unknown
inline constexpr size_t kCachedStreams = 32;
inline constexpr size_t kCachedTables = 8;

struct ServiceState {
  ServiceState(Catalog* the_catalog, ServiceOptions the_options)
      : catalog(the_catalog),
        options(std::move(the_options)),
        models(the_catalog),
        kept_batches(options.batch_cache_bytes) {}

  Catalog* const catalog;
  const ServiceOptions options;
  ModelCache models;
  EnginePool engines{Precision::kF32};
  EnginePool int8_engines{Precision::kInt8};
  BatchCache kept_batches;
  RecentlyUsed<StreamSpec, Stream> streams{kCachedStreams};  // by the pinned spec
  RecentlyUsed<std::pair<std::string, std::string>, SampleTable> tables{
      kCachedTables};  // for Query

  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  std::array<std::atomic<uint64_t>, kRequestTypes> requests{};  // by number of MessageType
  std::atomic<uint64_t> batches{0};                             // of runs
  std::atomic<uint64_t> batches_built{0};                       // computed for them
  std::atomic<uint64_t> rows{0};                                // in those batches
  std::atomic<uint64_t> reply_bytes{0};                         // bodies of all replies
  std::atomic<uint32_t> connections{0};
};

// One function per message: takes the request's frame, gives the reply's.
namespace handlers {
using Handler = Result<Frame> (*)(ServiceState& state, const Frame& request);

// service_registry.cc
Result<Frame> ServerInfo(ServiceState& state, const Frame& request);
Result<Frame> Stats(ServiceState& state, const Frame& request);
Result<Frame> Verify(ServiceState& state, const Frame& request);
Result<Frame> GetRecord(ServiceState& state, const Frame& request);
Result<Frame> ListRecords(ServiceState& state, const Frame& request);
Result<Frame> AddRecord(ServiceState& state, const Frame& request);
Result<Frame> DeleteRecord(ServiceState& state, const Frame& request);
Result<Frame> SetAlias(ServiceState& state, const Frame& request);
// service_ingest.cc
Result<Frame> FindImages(ServiceState& state, const Frame& request);
Result<Frame> AppendRows(ServiceState& state, const Frame& request);
Result<Frame> ReadRows(ServiceState& state, const Frame& request);
Result<Frame> BeginDraft(ServiceState& state, const Frame& request);
Result<Frame> AppendSamples(ServiceState& state, const Frame& request);
Result<Frame> CommitDraft(ServiceState& state, const Frame& request);
Result<Frame> AbortDraft(ServiceState& state, const Frame& request);
Result<Frame> GetSamples(ServiceState& state, const Frame& request);
// service_stream.cc
Result<Frame> Query(ServiceState& state, const Frame& request);
Result<Frame> OpenStream(ServiceState& state, const Frame& request);
}  // namespace handlers

// The replies to a BatchesRequest (service_stream.cc). Errors are returned, and end the run.
class BatchRun {
 public:
  BatchRun(ServiceState* state, Frame request) : state_(state), request_(std::move(request)) {}
  // Makes one reply, as ReplyTask; on any thread, beside others, also when the run is gone.
  using Make = std::function<Result<std::optional<Frame>>(const Resume& resume)>;
  struct Claimed {
    Make make;
    bool last = false;
  };
  // The next batch, or the EndReply that is the last.
  Result<Claimed> Claim();

 private:
  // What the batches of a run share.
  struct Context {
    ServiceState* state = nullptr;
    uint32_t request_id = 0;
    std::shared_ptr<const Stream> stream;
    uint64_t epoch = 0;
    bool goes_on = false;  // one batch alone needs nothing to be read ahead
    std::shared_ptr<const void> wanted = std::make_shared<char>();  // what is read ahead for it
  };
  Status Open();
  static Result<std::optional<Frame>> MakeBatch(const Context& context, uint64_t step,
                                                const Resume& resume);

  ServiceState* state_;
  Frame request_;
  std::shared_ptr<const Context> context_;  // null before Open
  uint64_t step_ = 0;
  uint64_t end_ = 0;
};

// A name for stats; empty for a type that is no request.
std::string_view RequestName(MessageType type);

// Errors: kInvalidArgument when a batch of `rows` rows of `dim` columns does not fit one reply.
Status CheckBatchFits(uint64_t rows, uint32_t dim);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_STATE_H_
