// The embeddings of one space in memory. Internal to storage/store.
#ifndef AUGSTORE_STORAGE_STORE_MEMORY_SPACE_H_
#define AUGSTORE_STORAGE_STORE_MEMORY_SPACE_H_

#include <map>
#include <set>
#include <span>
#include <vector>

#include "schemas/base/limits.h"
#include "schemas/weights/dtype.h"
#include "storage/store/store.h"

namespace augstore {

// One space of a MemoryStore, which guards it.
struct MemorySpace {
  SpaceInfo info;
  std::map<ContentHash, RowId> images;
  std::map<ContentHash, ContentHash> sources;  // of views
  std::vector<std::vector<uint8_t>> segments;  // rows in the dtype

  size_t row_bytes() const { return RowBytes(info.dtype, info.dim); }
  // Empty when it does not exist.
  std::span<const uint8_t> Row(RowId row) const {
    if (erased.contains(row)) return {};
    const uint64_t segment = row / kSegmentRows;
    const size_t begin = row % kSegmentRows * row_bytes();
    if (segment >= segments.size() || begin >= segments[segment].size()) return {};
    return {segments[segment].data() + begin, row_bytes()};
  }
  void Find(std::span<const ContentHash> hashes, std::span<RowId> rows) const {
    for (size_t i = 0; i < hashes.size(); ++i) {
      const auto found = images.find(hashes[i]);
      const bool is_there = found != images.end() && !erased.contains(found->second);
      rows[i] = is_there ? found->second : kNoRow;
    }
  }
  std::map<RowId, std::vector<float>> feature_maps;
  std::set<RowId> erased;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_MEMORY_SPACE_H_
