// One stored segment: up to kSegmentRows consecutive rows of a space, as bytes and as a matrix in
// memory.
//
//   segment := header matrix [erased]
//   header  := magic "AGSG" · format u32 (1) · space u32 · rows u32 · segment u64 · dim u32 ·
//              dtype u8 · 1 if there are erased rows, else 0 u8 · 2 zeros ·
//              XXH3-64 of what follows the header u64 · 24 zeros       64 bytes, little-endian
//   matrix  := rows of dim values in the dtype (schemas/weights/dtype.h); feature maps are u8;
//              erased rows are zeros
//   erased  := a bit for each of kSegmentRows rows, from the lowest of the first byte on
//
// The header is as long as a cache line, so the matrix is aligned wherever the value is.
#ifndef AUGSTORE_STORAGE_STORE_SEGMENT_H_
#define AUGSTORE_STORAGE_STORE_SEGMENT_H_

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schemas/base/block_memory.h"
#include "schemas/base/limits.h"
#include "schemas/base/types.h"
#include "schemas/weights/dtype.h"
#include "schemas/weights/quantized_rows.h"
#include "storage/store/store.h"

namespace augstore {

inline constexpr size_t kSegmentHeaderBytes = 64;

// Which segment of which space; what a stored value must be.
struct SegmentId {
  SpaceId space = 0;
  uint64_t segment = 0;
  RowPart part = RowPart::kEmbedding;
  bool operator==(const SegmentId&) const = default;
};

// Immutable; shared between readers. Memory: bytes().
struct Segment : std::enable_shared_from_this<Segment> {
  std::unique_ptr<uint8_t[], BlockFree> data;  // rows x row_bytes()
  uint32_t rows = 0;
  uint32_t intact = 0;  // rows before the first that is erased
  uint32_t dim = 0;
  Dtype dtype = Dtype::kF32;
  std::unique_ptr<const std::bitset<kSegmentRows>> erased;  // null: none is
  size_t row_bytes() const { return RowBytes(dtype, dim); }
  std::span<const uint8_t> row(size_t i) const {
    return {data.get() + i * row_bytes(), row_bytes()};
  }
  size_t bytes() const { return rows * row_bytes(); }
  // Whether row i exists. One comparison, but for segments with erased rows.
  bool Has(size_t i) const {
    return i < intact || (i < rows && erased != nullptr && !erased->test(i));
  }
};
// Whether every value of every row is finite.
bool RowsAreFinite(const Segment& segment);

// "segment 3 of space 1 (rows 768 to 1023)": how messages name a segment.
std::string DescribeSegment(const SegmentId& id);

// The stored bytes of embeddings.row(indices[0]), embeddings.row(indices[1]), … in a dtype.
// REQUIRES: 1 <= indices.size() <= kSegmentRows; rows that fit the dtype.
std::string EncodeSegment(const SegmentId& id, ConstMatrixView embeddings,
                          std::span<const size_t> indices, Dtype dtype = Dtype::kF32);
// The same with feature_maps.row(index).
std::string EncodeFeatureMapSegment(const SegmentId& id, const QuantizedView& feature_maps,
                                    std::span<const size_t> indices);

// `value`, which DecodeSegment has accepted, with these rows erased, too.
std::string EraseInSegment(std::string_view value, std::span<const size_t> rows);

// `dim` 0: any. Errors: kDataLoss (size, header, dtype, checksum, or the value of another segment),
// naming the segment.
Result<std::shared_ptr<const Segment>> DecodeSegment(const SegmentId& id, uint32_t dim, Dtype dtype,
                                                     std::string_view value);

// True when no element is NaN or infinite.
bool AllFinite(std::span<const float> values);

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_SEGMENT_H_
