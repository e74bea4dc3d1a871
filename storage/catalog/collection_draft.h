// A collection version while it is being written. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_
#define AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "storage/catalog/collection_samples.h"
#include "storage/store/store_checks.h"

namespace augstore {

// Kept in memory: it dies with the process, and its samples are few bytes each.
struct CollectionDraft {
  Mutex mutex;  // what it does not guard is set once
  std::string collection;
  std::string source;
  SpaceInfo space;
  std::vector<LabelColumn> labels;       // merged with the base's
  uint32_t latest = 0;                   // version that was the latest at the beginning, 0: none
  std::optional<CollectionRecord> base;  // what the new version starts from
  SampleChunk samples AUGSTORE_GUARDED_BY(mutex);  // everything appended so far
  // Name -> index in samples.split_names.
  using Splits = std::unordered_map<std::string, uint16_t>;
  Splits splits AUGSTORE_GUARDED_BY(mutex);
  // Hash of (split, key) -> index in samples.
  using Index = std::unordered_map<ContentHash, size_t, ContentHashHasher>;
  Index index AUGSTORE_GUARDED_BY(mutex);

  // Errors: kInvalidArgument, naming the sample; nothing is appended then.
  Status Append(Store* store, const SampleChunk& chunk);
  // Calls `visit` with the chunks of the new version: the base's samples, those that the draft has
  // again replaced in place, then the draft's others. Each has kSampleChunkRows samples but the
  // last.
  Status ForEachChunk(Store* store, const std::function<Status(const SampleChunk&)>& visit)
      AUGSTORE_REQUIRES(mutex);

 private:
  Status CheckSamples(const SampleChunk& chunk) const;
  Status CheckRows(Store* store, const SampleChunk& chunk) const;
  // What a chunk adds to `splits` and to `index`.
  Result<Splits> NewSplits(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  Result<Index> NewSamples(const SampleChunk& chunk) const AUGSTORE_REQUIRES(mutex);
  void CheckInvariants() const AUGSTORE_REQUIRES(mutex);
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_COLLECTION_DRAFT_H_
