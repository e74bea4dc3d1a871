#include "storage/store/segment.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

static_assert(std::endian::native == std::endian::little, "segments are stored little-endian");

constexpr uint32_t kMagic = 0x47534741;  // "AGSG"
constexpr uint32_t kFormat = 1;

struct Header {
  uint32_t magic = kMagic;
  uint32_t format = kFormat;
  uint32_t space = 0;
  uint32_t rows = 0;
  uint64_t segment = 0;
  uint32_t dim = 0;
  Dtype dtype = Dtype::kF32;
  uint8_t has_erased = 0;
  uint8_t zeros[2] = {};
  uint64_t checksum = 0;
  uint8_t reserved[24] = {};
};
static_assert(sizeof(Header) == kSegmentHeaderBytes);

constexpr size_t kErasedBytes = kSegmentRows / 8;
using Erased = std::bitset<kSegmentRows>;

Erased GetErased(std::string_view bits) {
  Erased erased;
  for (size_t i = 0; i < kSegmentRows; ++i) erased[i] = (bits[i / 8] >> (i % 8) & 1) != 0;
  return erased;
}

std::string PutErased(const Erased& erased) {
  std::string bits(kErasedBytes, '\0');
  for (size_t i = 0; i < kSegmentRows; ++i) {
    if (erased[i]) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
  }
  return bits;
}

std::span<const uint8_t> AsBytes(const void* data, size_t size) {
  return {static_cast<const uint8_t*>(data), size};
}

}  // namespace

std::string DescribeSegment(const SegmentId& id) {
  const uint64_t first = id.segment * kSegmentRows;
  return fmt::format("{}segment {} of space {} (rows {} to {})",
                     id.part == RowPart::kMap ? "feature map " : "", id.segment, id.space, first,
                     first + kSegmentRows - 1);
}

namespace {

// Header and rows, of which `put(index, bytes)` writes the bytes.
template <typename Put>
std::string Encode(const SegmentId& id, size_t dim, Dtype dtype, std::span<const size_t> indices,
                   const Put& put) {
  AUGSTORE_CHECK(!indices.empty() && indices.size() <= kSegmentRows);
  const size_t row_bytes = RowBytes(dtype, dim);
  std::string value(kSegmentHeaderBytes + indices.size() * row_bytes, '\0');
  auto* out = reinterpret_cast<uint8_t*>(value.data()) + kSegmentHeaderBytes;
  for (size_t index : indices) {
    put(index, std::span(out, row_bytes));
    out += row_bytes;
  }
  Header header;
  header.space = id.space;
  header.segment = id.segment;
  header.rows = static_cast<uint32_t>(indices.size());
  header.dim = static_cast<uint32_t>(dim);
  header.dtype = dtype;
  header.checksum =
      Checksum64(AsBytes(value.data() + kSegmentHeaderBytes, value.size() - kSegmentHeaderBytes));
  std::memcpy(value.data(), &header, sizeof header);
  return value;
}

Status Damaged(const SegmentId& id, std::string_view what) {
  return DataLoss("{} is damaged: {}; run `augstore verify`", DescribeSegment(id), what);
}

// The header of a value whose bytes are those that were written.
Result<Header> CheckedHeader(const SegmentId& id, uint32_t dim, Dtype dtype,
                             std::string_view value) {
  if (value.size() < sizeof(Header)) return Damaged(id, "it is shorter than its header");
  Header header;
  std::memcpy(&header, value.data(), sizeof header);
  if (header.magic != kMagic) return Damaged(id, "its magic number is wrong");
  if (header.format > kFormat) {
    return FailedPrecondition(
        "{} has format {}, this augstore reads up to {}: use a newer augstore", DescribeSegment(id),
        header.format, kFormat);
  }
  if (header.space != id.space || header.segment != id.segment) {
    return Damaged(id,
                   fmt::format("it holds segment {} of space {}", header.segment, header.space));
  }
  if (header.dtype != dtype) return Damaged(id, "its dtype is another one");
  if (dim != 0 && header.dim != dim) {
    return Damaged(id, fmt::format("its dim is {}, its space's is {}", header.dim, dim));
  }
  const size_t bytes =
      header.rows * RowBytes(dtype, header.dim) + (header.has_erased != 0 ? kErasedBytes : 0);
  if (header.rows == 0 || header.rows > kSegmentRows || header.dim == 0 ||
      value.size() != sizeof header + bytes) {
    return Damaged(id, fmt::format("{} rows do not fit its {} bytes", header.rows, value.size()));
  }
  if (Checksum64(AsBytes(value.data() + sizeof header, bytes)) != header.checksum) {
    return Damaged(id, "checksum mismatch");
  }
  return header;
}

}  // namespace

std::string EncodeSegment(const SegmentId& id, ConstMatrixView embeddings,
                          std::span<const size_t> indices, Dtype dtype) {
  return Encode(id, embeddings.cols, dtype, indices, [&](size_t index, std::span<uint8_t> bytes) {
    EncodeRow(dtype, embeddings.row(index), bytes);
  });
}

std::string EncodeFeatureMapSegment(const SegmentId& id, const QuantizedView& feature_maps,
                                    std::span<const size_t> indices) {
  AUGSTORE_CHECK(id.part == RowPart::kMap);
  return Encode(id, feature_maps.values, Dtype::kU8, indices,
                [&](size_t index, std::span<uint8_t> bytes) {
                  std::ranges::copy(feature_maps.row(index), bytes.begin());
                });
}

std::string EraseInSegment(std::string_view value, std::span<const size_t> rows) {
  AUGSTORE_CHECK(value.size() >= sizeof(Header));
  Header header;
  std::memcpy(&header, value.data(), sizeof header);
  const size_t row_bytes = RowBytes(header.dtype, header.dim);
  const size_t end = sizeof header + header.rows * row_bytes;
  Erased erased;
  if (header.has_erased != 0) erased = GetErased(value.substr(end));
  std::string without(value.substr(0, end));
  for (const size_t row : rows) {
    if (row >= header.rows) continue;
    erased.set(row);
    std::fill_n(without.begin() + static_cast<std::ptrdiff_t>(sizeof header + row * row_bytes),
                row_bytes, '\0');
  }
  without += PutErased(erased);
  header.has_erased = 1;
  header.checksum =
      Checksum64(AsBytes(without.data() + sizeof header, without.size() - sizeof header));
  std::memcpy(without.data(), &header, sizeof header);
  return without;
}

Result<std::shared_ptr<const Segment>> DecodeSegment(const SegmentId& id, uint32_t dim, Dtype dtype,
                                                     std::string_view value) {
  AUGSTORE_ASSIGN(const Header header, CheckedHeader(id, dim, dtype, value));
  std::string_view matrix = value.substr(sizeof header);
  auto segment = std::make_shared<Segment>();
  segment->rows = header.rows;
  segment->intact = header.rows;
  if (header.has_erased != 0) {
    const size_t bytes = matrix.size() - kErasedBytes;
    segment->erased = std::make_unique<const Erased>(GetErased(matrix.substr(bytes)));
    matrix = matrix.substr(0, bytes);
    segment->intact = 0;
    while (segment->intact < header.rows && !segment->erased->test(segment->intact)) {
      ++segment->intact;
    }
  }
  segment->dim = header.dim;
  segment->dtype = dtype;
  segment->data.reset(TakeBlock(matrix.size()));
  std::memcpy(segment->data.get(), matrix.data(), matrix.size());
  return std::shared_ptr<const Segment>(std::move(segment));
}

bool AllFinite(std::span<const float> values) {
  // NaN and infinity have all exponent bits set. Four at a time: batches are looked at, too.
  using Four __attribute__((vector_size(4 * sizeof(uint32_t)))) = uint32_t;
  constexpr uint32_t kExponent = 0x7f800000;
  Four found{};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    Four bits;
    std::memcpy(&bits, values.data() + i, sizeof bits);
    found |= (bits & kExponent) == kExponent;
  }
  bool any = (found[0] | found[1] | found[2] | found[3]) != 0;
  for (; i < values.size(); ++i) any = any || !std::isfinite(values[i]);
  return !any;
}

bool RowsAreFinite(const Segment& segment) {
  std::vector<float> values(segment.dim);
  for (size_t i = 0; i < segment.rows; ++i) {
    DecodeRow(segment.dtype, segment.row(i), values);
    if (!AllFinite(values)) return false;
  }
  return true;
}

}  // namespace augstore
