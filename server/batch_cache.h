// Batches that several clients of one stream ask for are computed once. A batch is a pure function
// of (stream, epoch, step), so what is kept is always right and nothing is ever invalidated.
//
// The oldest goes first: clients of one stream move through it together, and a batch that was kept
// for long is one that all of them have had.
#ifndef AUGSTORE_SERVER_BATCH_CACHE_H_
#define AUGSTORE_SERVER_BATCH_CACHE_H_

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

  // Keeps batches of at most `budget_bytes` together; one that alone is larger is not kept. 0:
  // keeps nothing, and every Get builds.
  explicit BatchCache(uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // The batch of `key`. When it is not kept, `build` makes it on the calling thread. Nothing:
  // somebody builds it just now, and `resume` is called, on any thread, when it is worth asking
  // again: the batch is there, or was not made. Errors: those of `build`, which may throw.
  std::optional<Result<SharedBytes>> Get(const BatchKey& key, const Build& build,
                                         const Resume& resume);

  uint64_t budget_bytes() const { return budget_bytes_; }
  uint64_t resident_bytes();

 private:
  struct Entry {
    SharedBytes body;  // without an owner while it is being built
    std::vector<Resume> waiting;
  };
  // Ends the building of `key`: keeps the body, or forgets the entry when there is none to keep.
  void Finish(const BatchKey& key, const SharedBytes* body) noexcept;
  // False: there is no room for it. REQUIRES: `key` is being built.
  bool Keep(const BatchKey& key, const SharedBytes& body) AUGSTORE_REQUIRES(mutex_);

  const uint64_t budget_bytes_;
  Mutex mutex_;
  std::map<BatchKey, Entry> entries_ AUGSTORE_GUARDED_BY(mutex_);
  std::deque<BatchKey> order_ AUGSTORE_GUARDED_BY(mutex_);  // of the kept ones, oldest first
  uint64_t bytes_ AUGSTORE_GUARDED_BY(mutex_) = 0;          // of the kept ones
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_BATCH_CACHE_H_
