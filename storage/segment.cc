#include "storage/segment.h"

#include <bit>
#include <cstring>

#include "schemas/digest.h"
#include "schemas/limits.h"

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
  RowPart part = RowPart::kEmbedding;
  uint8_t zeros[3] = {};
  uint64_t checksum = 0;
  uint8_t reserved[24] = {};
};
static_assert(sizeof(Header) == kSegmentHeaderBytes);

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

// Header and rows of `row_bytes` each, as `row(index)` gives their bytes.
template <typename Row>
std::string Encode(const SegmentId& id, size_t dim, size_t row_bytes,
                   std::span<const size_t> indices, const Row& row) {
  AUGSTORE_CHECK(!indices.empty() && indices.size() <= kSegmentRows);
  std::string value(kSegmentHeaderBytes + indices.size() * row_bytes, '\0');
  char* out = value.data() + kSegmentHeaderBytes;
  for (size_t index : indices) {
    std::memcpy(out, row(index), row_bytes);
    out += row_bytes;
  }
  Header header;
  header.space = id.space;
  header.segment = id.segment;
  header.rows = static_cast<uint32_t>(indices.size());
  header.dim = static_cast<uint32_t>(dim);
  header.part = id.part;
  header.checksum =
      Checksum64(AsBytes(value.data() + kSegmentHeaderBytes, value.size() - kSegmentHeaderBytes));
  std::memcpy(value.data(), &header, sizeof header);
  return value;
}

Status Damaged(const SegmentId& id, std::string_view what) {
  return DataLoss("{} is damaged: {}; run `augstore verify`", DescribeSegment(id), what);
}

// The header of a value whose bytes are those that were written.
Result<Header> CheckedHeader(const SegmentId& id, uint32_t dim, std::string_view value) {
  if (value.size() < sizeof(Header)) return Damaged(id, "it is shorter than its header");
  Header header;
  std::memcpy(&header, value.data(), sizeof header);
  if (header.magic != kMagic) return Damaged(id, "its magic number is wrong");
  if (header.format > kFormat) {
    return FailedPrecondition("{} has format {}, this augstore reads up to {}: use a newer one",
                              DescribeSegment(id), header.format, kFormat);
  }
  if (header.space != id.space || header.segment != id.segment) {
    return Damaged(id,
                   fmt::format("it holds segment {} of space {}", header.segment, header.space));
  }
  if (header.part != id.part) return Damaged(id, "its dtype is another one");
  if (dim != 0 && header.dim != dim) {
    return Damaged(id, fmt::format("its dim is {}, its space's is {}", header.dim, dim));
  }
  const size_t row_bytes =
      id.part == RowPart::kMap ? QuantizedRowBytes(header.dim) : size_t{header.dim} * sizeof(float);
  const size_t bytes = header.rows * row_bytes;
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
                          std::span<const size_t> indices) {
  return Encode(id, embeddings.cols, embeddings.cols * sizeof(float), indices,
                [&](size_t index) { return embeddings.row(index).data(); });
}

std::string EncodeMapSegment(const SegmentId& id, const QuantizedView& maps,
                             std::span<const size_t> indices) {
  AUGSTORE_CHECK(id.part == RowPart::kMap);
  return Encode(id, maps.values, QuantizedRowBytes(maps.values), indices,
                [&](size_t index) { return maps.row(index).data(); });
}

Result<std::shared_ptr<const Segment>> DecodeSegment(const SegmentId& id, uint32_t dim,
                                                     std::string_view value) {
  AUGSTORE_ASSIGN(const Header header, CheckedHeader(id, dim, value));
  const std::string_view matrix = value.substr(sizeof header);
  auto segment = std::make_shared<Segment>();
  segment->rows = header.rows;
  segment->dim = header.dim;
  if (id.part == RowPart::kMap) {
    segment->maps.assign(matrix.begin(), matrix.end());
  } else {
    segment->data.reset(reinterpret_cast<float*>(TakeBlock(matrix.size())));
    std::memcpy(segment->data.get(), matrix.data(), matrix.size());
  }
  return std::shared_ptr<const Segment>(std::move(segment));
}

bool AllFinite(std::span<const float> values) {
  // Integers, so that the compiler may vectorise: NaN and infinity have all exponent bits set.
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t found = 0;
  for (float value : values) found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent;
  return found == 0;
}

}  // namespace augstore
