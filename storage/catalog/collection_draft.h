// A collection version while it is being written. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_
#define AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/records/drafts.h"
#include "storage/catalog/collection_samples.h"
#include "storage/store/store_checks.h"

namespace augstore {

// A draft that nothing was appended to for so long may be dropped.
inline constexpr std::chrono::minutes kDraftIdle{60};
// All drafts together take at most this.
inline constexpr size_t kMaxDraftBytes = size_t{1} << 30;
// What identifies a sample: a hash of its split and its key.
ContentHash SampleHash(const std::string& split, const std::string& key);
// "sample '<key>' of split '<split>'", for messages.
std::string DescribeSample(const SampleChunk& chunk, size_t i);

// Kept in memory: it dies with the process, and its samples are few bytes each.
struct CollectionDraft {
  // `bytes_of_all` counts the bytes of all drafts, and outlives the draft.
  explicit CollectionDraft(std::atomic<size_t>* bytes_of_all) : bytes_of_all_(bytes_of_all) {}
  ~CollectionDraft() { *bytes_of_all_ -= bytes_; }
  CollectionDraft(const CollectionDraft&) = delete;
  CollectionDraft& operator=(const CollectionDraft&) = delete;

  Mutex mutex;  // what it does not guard is set once
  std::string owner;
  std::string collection;
  std::string source;
  SpaceInfo space;
  std::vector<LabelColumn> labels;       // merged with the base's
  uint32_t latest = 0;                   // version that was the latest at the beginning, 0: none
  std::optional<CollectionRecord> base;  // what the new version starts from
  bool replace_samples = false;          // those of the base may be replaced
  SampleChunk samples AUGSTORE_GUARDED_BY(mutex);  // everything appended so far
  // Name -> index in samples.split_names.
  using Splits = std::unordered_map<std::string, uint16_t>;
  Splits splits AUGSTORE_GUARDED_BY(mutex);
  // SampleHash -> index in samples.
  using Index = std::unordered_map<ContentHash, size_t, ContentHashHasher>;
  Index index AUGSTORE_GUARDED_BY(mutex);
  // Of the samples so far; none: not compared since the last of them came.
  std::optional<DraftChanges> changes AUGSTORE_GUARDED_BY(mutex);

  // Counts `bytes` more. Errors: kResourceExhausted (all drafts would take more than they may).
  Status Reserve(size_t bytes) AUGSTORE_REQUIRES(mutex);
  // Whether nothing was appended for kDraftIdle. Thread-safe.
  bool IsIdle() const { return Clock::now() - last_used_.load() > kDraftIdle; }
  // Errors: kInvalidArgument, naming the sample; kResourceExhausted; nothing is appended then.
  Status Append(Store* store, const SampleChunk& chunk);
  // Calls `visit` with the chunks of the new version: the base's samples, those that the draft has
  // again replaced in place, then the draft's others. Each has kSampleChunkRows samples but the
  // last.
  Status ForEachChunk(Store* store, const std::function<Status(const SampleChunk&)>& visit)
      AUGSTORE_REQUIRES(mutex);

 private:
  using Clock = std::chrono::steady_clock;

  Status CheckSamples(const SampleChunk& chunk) const;
  Status CheckRows(Store* store, const SampleChunk& chunk) const;
  // What a chunk adds to `splits` and to `index`.
  Result<Splits> NewSplits(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  Result<Index> NewSamples(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  void CheckInvariants() const AUGSTORE_REQUIRES(mutex);

  std::atomic<size_t>* const bytes_of_all_;
  size_t bytes_ = 0;  // of this draft; changed with `mutex` held
  std::atomic<Clock::time_point> last_used_ = Clock::now();
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_
