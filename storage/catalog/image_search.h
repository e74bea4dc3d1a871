// Finding what names an image. Internal to storage/catalog.
#ifndef AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_
#define AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "schemas/records/erasure.h"
#include "storage/collections/collection_chunks.h"

namespace augstore {

// Looks for the image of a sample, then for its views, then for the collection versions that have
// one of these, over several calls. Memory: 20 bytes for each chunk of samples. One thread at a
// time.
class ImageSearch {
 public:
  struct Version {
    CollectionRecord record;
    std::set<size_t> chunks;  // of its table that have one of the images
  };

  ImageSearch(Store* store, ErasureTarget target);

  // Looks until `deadline`, at least a little, and until the image is known. Returns whether all is
  // found. Errors: kNotFound (no
  // such version, sample or image), kInvalidArgument (the key is in several splits, no hash),
  // kDataLoss (it is not known what a version has), those of the store.
  Result<bool> Look(std::chrono::steady_clock::time_point deadline);
  // After all was found: looks at versions that came since.
  Status LookAtNew();

  // The step's records are the caller's to fill.
  const ErasureStep& found() const { return found_; }
  // The image, once it is known, and its views.
  const std::set<ContentHash>& images() const { return images_; }
  const std::map<RecordKey, Version>& versions() const { return versions_; }
  // Where they are stored: by the index of images, and by the samples of versions, which may name
  // another row when an image was stored again.
  const std::map<SpaceId, std::vector<StoredImage>>& stored() const { return stored_; }

 private:
  enum class Phase : uint8_t { kBegin, kSample, kViews, kVersions, kFound };

  Status LookOnce();
  Status Begin();
  Status LookForSample();
  // Samples of the chunk that have one of the hashes in `wanted_`.
  Status TakeSample(const SampleChunk& chunk);
  void BeginViews(const ContentHash& image);
  Status ListSpaces();
  Status LookForViews();
  Status LookAtVersions();
  void Enter(Phase phase, std::string_view name, uint64_t total);
  // Puts versions that were not looked at into `waiting_`.
  Status ListVersions();
  Status LookAtNext();
  Status NoteVersion(const RecordKey& key, const CollectionRecord& record);
  Result<bool> HasImage(const CollectionRecord& record, const ChunkTable& table, size_t i);
  Status NoteRows(const CollectionRecord& record, const SampleChunk& chunk);

  Store* const store_;
  const ErasureTarget target_;
  ErasureStep found_;
  Phase phase_ = Phase::kBegin;
  ContentHash image_;
  std::set<ContentHash> images_;
  std::set<uint64_t> prefixes_;  // of them, as summaries have them
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
  std::map<SpaceId, std::vector<StoredImage>> stored_;
  bool listed_spaces_ = false;
  SpaceId space_ = 0;  // where the search for views is
  ContentHash after_;
};

// The chunk without samples of these images.
SampleChunk WithoutImages(const SampleChunk& chunk, const std::set<ContentHash>& images);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_CATALOG_IMAGE_SEARCH_H_
