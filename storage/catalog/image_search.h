// Finding what names an image. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_
#define AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schemas/records/erasure.h"
#include "storage/catalog/collection_chunks.h"

namespace augstore {

// Looks for the image of a sample, the collection versions that have it, and its views, over
// several calls. Memory: 20 bytes for each chunk of samples. One thread at a time.
class ImageSearch {
 public:
  struct Version {
    CollectionRecord record;
    std::set<size_t> chunks;  // of its table that have the image
  };
  struct Stored {
    std::vector<ContentHash> images;  // the image, if it has a row there, and its views
    std::vector<RowId> rows;
  };

  ImageSearch(Store* store, ErasureTarget target);

  // Looks until `deadline`, at least a little. Returns whether all is found. Errors: kNotFound (no
  // such version, sample or image), kInvalidArgument (the key is in several splits, no hash), those
  // of the store.
  Result<bool> Look(std::chrono::steady_clock::time_point deadline);
  // After all was found: whether there are versions that came since. They are looked at next.
  Result<bool> LookAgain();

  const ErasureTarget& target() const { return target_; }
  // The step's records are the caller's to fill.
  const ErasureStep& found() const { return found_; }
  const ContentHash& image() const { return image_; }
  const std::map<RecordKey, Version>& versions() const { return versions_; }
  const std::map<SpaceId, Stored>& stored() const { return stored_; }

 private:
  enum class Phase : uint8_t { kBegin, kSample, kVersions, kViews, kFound };

  Status LookOnce();
  Status Begin();
  Status LookForSample();
  // The samples of a chunk whose hash is one of `wanted_` become the target.
  Status TakeSample(const SampleChunk& chunk);
  Status LookAtVersion();
  Status LookForViews();
  void Enter(Phase phase, std::string_view name, uint64_t total);
  // Puts versions that were not looked at into `waiting_`.
  Status ListVersions();
  Result<bool> HasImage(const ChunkTable& table, size_t i, size_t columns);
  Status NoteVersion(const RecordKey& key, const CollectionRecord& record);

  Store* const store_;
  const ErasureTarget target_;
  ErasureStep found_;
  Phase phase_ = Phase::kBegin;
  ContentHash image_;
  // Of the version that has the sample: its table, the next chunk, and the hashes that the sample
  // has in each split, with the splits in which it was found.
  CollectionRecord of_;
  ChunkTable table_;
  size_t next_chunk_ = 0;
  std::map<ContentHash, std::string> wanted_;
  std::vector<std::string> splits_;
  // Versions that are still to be looked at, those that were, and those that have the image.
  std::map<RecordKey, CollectionRecord> waiting_;
  std::set<RecordKey> looked_at_;
  std::map<RecordKey, Version> versions_;
  std::map<ChunkId, bool> chunks_;  // that were looked at: whether they have it
  std::map<SpaceId, Stored> stored_;
  SpaceId space_ = 0;  // where the search for views is
  ContentHash after_;
};

// The chunk without samples of the image.
SampleChunk WithoutImage(const SampleChunk& chunk, const ContentHash& image);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_
