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

// Stored: never change a number.
enum class Dtype : uint8_t { kF32 = 0 };

struct Header {
  uint32_t magic = kMagic;
  uint32_t format = kFormat;
  uint32_t space = 0;
  uint32_t rows = 0;
  uint64_t segment = 0;
  uint32_t dim = 0;
  Dtype dtype = Dtype::kF32;
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
  return fmt::format("segment {} of space {} (rows {} to {})", id.segment, id.space, first,
                     first + kSegmentRows - 1);
}

std::string EncodeSegment(const SegmentId& id, ConstMatrixView embeddings,
                          std::span<const size_t> indices) {
  AUGSTORE_CHECK(!indices.empty() && indices.size() <= kSegmentRows);
  const size_t row_bytes = embeddings.cols * sizeof(float);
  std::string value(kSegmentHeaderBytes + indices.size() * row_bytes, '\0');
  char* out = value.data() + kSegmentHeaderBytes;
  for (size_t index : indices) {
    std::memcpy(out, embeddings.row(index).data(), row_bytes);
    out += row_bytes;
  }
  Header header;
  header.space = id.space;
  header.segment = id.segment;
  header.rows = static_cast<uint32_t>(indices.size());
  header.dim = static_cast<uint32_t>(embeddings.cols);
  header.checksum =
      Checksum64(AsBytes(value.data() + kSegmentHeaderBytes, value.size() - kSegmentHeaderBytes));
  std::memcpy(value.data(), &header, sizeof header);
  return value;
}

Result<std::shared_ptr<const Segment>> DecodeSegment(const SegmentId& id, uint32_t dim,
                                                     std::string_view value) {
  const auto damaged = [&](std::string_view what) {
    return DataLoss("{} is damaged: {}; run `augstore verify`", DescribeSegment(id), what);
  };
  if (value.size() < sizeof(Header)) return damaged("it is shorter than its header");
  Header header;
  std::memcpy(&header, value.data(), sizeof header);
  if (header.magic != kMagic) return damaged("its magic number is wrong");
  if (header.format > kFormat) {
    return FailedPrecondition("{} has format {}, this augstore reads up to {}: use a newer one",
                              DescribeSegment(id), header.format, kFormat);
  }
  if (header.space != id.space || header.segment != id.segment) {
    return damaged(fmt::format("it holds segment {} of space {}", header.segment, header.space));
  }
  if (header.dtype != Dtype::kF32) return damaged("its dtype is unknown");
  if (header.dim != dim) {
    return damaged(fmt::format("its dim is {}, its space's is {}", header.dim, dim));
  }
  const size_t bytes = size_t{header.rows} * dim * sizeof(float);
  if (header.rows == 0 || header.rows > kSegmentRows || value.size() != sizeof header + bytes) {
    return damaged(fmt::format("{} rows do not fit its {} bytes", header.rows, value.size()));
  }
  const char* matrix = value.data() + sizeof header;
  if (Checksum64(AsBytes(matrix, bytes)) != header.checksum) return damaged("checksum mismatch");
  auto segment = std::make_shared<Segment>();
  segment->data = AlignedAlloc<float>(bytes / sizeof(float));
  std::memcpy(segment->data.get(), matrix, bytes);
  segment->rows = header.rows;
  segment->dim = dim;
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
