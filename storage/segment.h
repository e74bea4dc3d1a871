// One stored segment: up to kSegmentRows consecutive rows of a space, as bytes and as a matrix in
// memory.
//
//   segment := header matrix
//   header  := magic "AGSG" · format u32 (1) · space u32 · rows u32 · segment u64 · dim u32 · dtype
//   u8 · 3 zeros ·
//              XXH3-64 of the matrix u64 · 24 zeros                                     64 bytes,
//              little-endian
//   matrix  := dtype 0: rows x dim f32, row-major: embeddings
//              dtype 1: rows of schemas/quantized_rows.h with dim values: feature maps
//
// The header is as long as a cache line, so the matrix is aligned wherever the value is.
#ifndef AUGSTORE_STORAGE_SEGMENT_H_
#define AUGSTORE_STORAGE_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schemas/block_memory.h"
#include "schemas/quantized_rows.h"
#include "schemas/types.h"
#include "storage/store.h"

namespace augstore {

inline constexpr size_t kSegmentHeaderBytes = 64;

// What of an image's rows a segment holds. Stored as the dtype: never change a number.
enum class RowPart : uint8_t { kEmbedding = 0, kMap = 1 };

// Which segment of which space; what a stored value must be.
struct SegmentId {
  SpaceId space = 0;
  uint64_t segment = 0;
  RowPart part = RowPart::kEmbedding;
  bool operator==(const SegmentId&) const = default;
};

// Immutable; shared between readers. Memory: bytes().
struct Segment {
  std::unique_ptr<float[], BlockFree> data;  // of embeddings
  std::vector<uint8_t> maps;                 // of feature maps
  uint32_t rows = 0;
  uint32_t dim = 0;
  ConstMatrixView view() const { return {data.get(), rows, dim}; }
  QuantizedView maps_view() const { return {maps, dim}; }
  size_t bytes() const { return data ? size_t{rows} * dim * sizeof(float) : maps.size(); }
};

// "segment 3 of space 1 (rows 768 to 1023)": how messages name a segment.
std::string DescribeSegment(const SegmentId& id);

// The stored bytes of embeddings.row(indices[0]), embeddings.row(indices[1]), …
// REQUIRES: 1 <= indices.size() <= kSegmentRows.
std::string EncodeSegment(const SegmentId& id, ConstMatrixView embeddings,
                          std::span<const size_t> indices);
// The same with maps.row(index).
std::string EncodeMapSegment(const SegmentId& id, const QuantizedView& maps,
                             std::span<const size_t> indices);

// `dim` 0: any. Errors: kDataLoss (size, header, checksum, or the value of another segment), naming
// the segment.
Result<std::shared_ptr<const Segment>> DecodeSegment(const SegmentId& id, uint32_t dim,
                                                     std::string_view value);

// True when no element is NaN or infinite.
bool AllFinite(std::span<const float> values);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_SEGMENT_H_
