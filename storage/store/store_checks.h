// What every Store implementation checks and decides in the same way. Internal to storage.
#ifndef AUGSTORE_STORAGE_STORE_STORE_CHECKS_H_
#define AUGSTORE_STORAGE_STORE_STORE_CHECKS_H_

#include <span>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/records/records.h"
#include "storage/store/store.h"

namespace augstore {

// For DeleteRecord, ReadRecord, …: a kind that callers may use. Errors: kInvalidArgument.
Status CheckKind(RecordKind kind);
// For AddRecord: a versioned kind and a name that can be part of a key. Errors: kInvalidArgument.
Status CheckNewRecord(RecordKind kind, std::string_view name);
// For PutRecord: kinds without versions alone. Errors: kInvalidArgument.
Status CheckPutRecord(RecordKind kind, std::string_view name);
Status CheckDim(uint32_t dim);
// Errors: kInvalidArgument (columns; NaN or infinity, naming the row).
Status CheckEmbeddings(const SpaceInfo& space, ConstMatrixView embeddings);

// Errors: kInvalidArgument (another number of rows than `rows`; NaN or infinity, naming the row).
Status CheckFeatureMaps(const SpaceInfo& space, const QuantizedView& feature_maps, size_t rows);
// For ReadRows. Errors: kInvalidArgument.
Status CheckReadColumns(const SpaceInfo& space, size_t cols);

Status NoMap(const SpaceInfo& space, RowId row);
Status FeatureMapSizeDiffers(const SpaceInfo& space, RowId row, size_t stored, size_t asked);
Status NoSuchRecord(const RecordKey& key);
Status NoSuchRecord(RecordKind kind, const std::string& name);
Status NoSuchSpace(SpaceId space);
Status NoSuchSpace(const Digest& backbone, Dtype dtype);
Status StillErased(const ContentHash& image);
Status NoSuchRow(const SpaceInfo& space, RowId row);
Status NoSuchList(uint32_t list);
Status NoSuchChunk(const ChunkId& chunk);
std::string DescribeChunk(const ChunkId& chunk);
Status DimDiffers(const SpaceInfo& space, uint32_t dim);

// Where each image of an AppendRows call goes: the first occurrence of an image that is not stored
// yet is new.
struct AppendPlan {
  std::vector<size_t> fresh;  // indices of new images, in order
  std::vector<std::pair<size_t, size_t>>
      repeats;  // (index, index of its first occurrence, which is in `fresh`)
};
// `rows` holds the known rows, kNoRow for the others.
AppendPlan PlanAppend(std::span<const ContentHash> images, std::span<const RowId> rows);

struct ContentHashHasher {
  size_t operator()(const ContentHash& hash) const;
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_STORE_CHECKS_H_
