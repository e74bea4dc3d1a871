// Computes a batch once for several clients of one stream. A batch is a pure function of (stream,
// epoch, step), so a kept one is always right and nothing is ever invalidated.
//
// The oldest goes first: clients of one stream move through it together, so all of them have had
// the batch that was kept longest.
#ifndef AUGSTORE_SERVER_CACHE_BATCH_CACHE_H_
#define AUGSTORE_SERVER_CACHE_BATCH_CACHE_H_

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/base/types.h"

namespace augstore {

struct BatchKey {
  Digest fingerprint;
  uint32_t rank = 0;  // the fingerprint is that of all ranks
  uint64_t epoch = 0;
  uint64_t step = 0;
  auto operator<=>(const BatchKey&) const = default;
};

// Thread-safe.
class BatchCache {
 public:
  using Build = std::function<Result<SharedBytes>()>;
  using Resume = std::function<void()>;  // must not throw

  // Keeps batches of at most `budget_bytes` together, and none that is larger by itself. 0: keeps
  // nothing, and every Get builds.
  explicit BatchCache(uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // The batch of `key`. If it is not kept, `build` makes it on the calling thread. Returns nothing
  // if another thread is building it: `resume` is then called exactly once, on any thread, maybe
  // before Get returns, when that batch is ready or could not be made, and Get should be called
  // again. Errors: those of `build`, which may throw.
  std::optional<Result<SharedBytes>> Get(const BatchKey& key, const Build& build,
                                         const Resume& resume);

  // Forgets the kept batches. False: there are none.
  bool Clear();

  uint64_t budget_bytes() const { return budget_bytes_; }
  uint64_t resident_bytes();

 private:
  struct Entry {
    SharedBytes body;             // without an owner while it is being built
    std::vector<Resume> waiting;  // empty once it was built
  };
  // Ends the building of `key`: keeps `body`, or forgets the entry if that is null or not kept.
  void Finish(const BatchKey& key, const SharedBytes* body) noexcept;
  // False: there is no room for it. REQUIRES: `key` is being built.
  bool Keep(const BatchKey& key, const SharedBytes& body) AUGSTORE_REQUIRES(mutex_);

  const uint64_t budget_bytes_;
  Mutex mutex_;  // held neither while a batch is built nor in `resume`
  std::map<BatchKey, Entry> entries_ AUGSTORE_GUARDED_BY(mutex_);
  std::deque<BatchKey> order_ AUGSTORE_GUARDED_BY(mutex_);  // of the kept ones, oldest first
  uint64_t bytes_ AUGSTORE_GUARDED_BY(mutex_) = 0;          // of the kept ones
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_CACHE_BATCH_CACHE_H_
