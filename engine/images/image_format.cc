#include "engine/images/image_format.h"

#include <libdeflate.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

using Bytes = std::span<const uint8_t>;

bool StartsWith(Bytes bytes, std::string_view magic, size_t at = 0) {
  return bytes.size() >= at + magic.size() &&
         std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<ptrdiff_t>(at),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

// The integer of `size` bytes at `at`. REQUIRES: it is within `bytes`.
uint64_t Big(Bytes bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}
uint64_t Little(Bytes bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

Status CutShort(std::string_view format) {
  return InvalidArgument("the {} data end early; copy or download the file again", format);
}

// --- JPEG ---

// The index of the marker that ends the entropy-coded data starting at `at`, or the size when there
// is none.
size_t SkipScan(Bytes bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    const auto* found =
        std::find(bytes.data() + at, bytes.data() + bytes.size() - 1, uint8_t{0xFF});
    at = static_cast<size_t>(found - bytes.data());
    if (at + 1 >= bytes.size()) break;
    const uint8_t next = bytes[at + 1];
    const bool part_of_scan = next == 0x00 || (next >= 0xD0 && next <= 0xD7);
    if (!part_of_scan && next != 0xFF) return at;
    at += part_of_scan ? 2 : 1;
  }
  return bytes.size();
}

bool IsFrameHeader(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Result<ImageHeader> InspectJpeg(Bytes bytes) {
  ImageHeader header{ImageFormat::kJpeg, 0, 0};
  bool frame = false, scan = false;
  size_t at = 2;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xFF) return InvalidArgument("byte {} of the JPEG data is damaged", at);
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    at += 2;
    if (marker == 0xD9) {
      if (!frame || !scan) return InvalidArgument("the JPEG data hold no picture");
      return header;
    }
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) continue;
    if (at + 2 > bytes.size()) break;
    const size_t length = Big(bytes, at, 2);
    if (length < 2) return InvalidArgument("byte {} of the JPEG data is damaged", at);
    if (at + length > bytes.size()) break;
    if (IsFrameHeader(marker)) {
      if (frame || length < 8) return InvalidArgument("the JPEG data are damaged (frame header)");
      frame = true;
      header.height = Big(bytes, at + 3, 2);
      header.width = Big(bytes, at + 5, 2);
    }
    at += length;
    if (marker == 0xDA) {
      scan = true;
      at = SkipScan(bytes, at);
    }
  }
  return CutShort("JPEG");
}

// --- PNG ---

Result<ImageHeader> InspectPng(Bytes bytes) {
  ImageHeader header{ImageFormat::kPng, 0, 0};
  bool pixels = false;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = Big(bytes, at, 4);
    if (length > bytes.size() - at - 12) break;
    const Bytes chunk = bytes.subspan(at + 4, length + 4);
    if (libdeflate_crc32(0, chunk.data(), chunk.size()) != Big(bytes, at + 8 + length, 4)) {
      return InvalidArgument("the PNG chunk at byte {} is damaged (its checksum differs)", at);
    }
    const bool first = at == 8;
    if (first != StartsWith(chunk, "IHDR") || (first && length != 13)) {
      return InvalidArgument("the PNG data are damaged (header chunk)");
    }
    if (first) {
      header.width = Big(bytes, at + 8, 4);
      header.height = Big(bytes, at + 12, 4);
    }
    pixels = pixels || StartsWith(chunk, "IDAT");
    if (StartsWith(chunk, "IEND")) {
      if (!pixels) return InvalidArgument("the PNG data hold no picture");
      return header;
    }
    at += length + 12;
  }
  return CutShort("PNG");
}

// --- BMP, PPM/PGM ---

Result<ImageHeader> InspectBmp(Bytes bytes) {
  if (bytes.size() < 26) return CutShort("BMP");
  ImageHeader header{ImageFormat::kBmp, 0, 0};
  const uint64_t info_size = Little(bytes, 14, 4);
  const bool old_header = info_size == 12;
  if (!old_header && bytes.size() < 34) return CutShort("BMP");
  uint64_t bits = 0, compression = 0;
  if (old_header) {
    header.width = Little(bytes, 18, 2);
    header.height = Little(bytes, 20, 2);
    bits = Little(bytes, 24, 2);
  } else {
    header.width = Little(bytes, 18, 4);
    // A negative height says that the first row is the top one.
    header.height =
        static_cast<uint64_t>(std::abs(int64_t{static_cast<int32_t>(Little(bytes, 22, 4))}));
    bits = Little(bytes, 28, 2);
    compression = Little(bytes, 30, 4);
  }
  const bool run_length_coded = compression == 1 || compression == 2;
  const uint64_t row_bytes = (header.width * std::min<uint64_t>(bits, 64) + 31) / 32 * 4;
  const uint64_t pixels_at = Little(bytes, 10, 4);
  if (pixels_at > bytes.size()) return CutShort("BMP");
  if (!run_length_coded && header.height != 0 &&
      (bytes.size() - pixels_at) / header.height < row_bytes) {
    return CutShort("BMP");
  }
  return header;
}

// The next number of a PNM header, after blanks and comments; moves `at` past it.
std::optional<uint64_t> PnmNumber(Bytes bytes, size_t& at) {
  while (at < bytes.size() && (std::isspace(bytes[at]) || bytes[at] == '#')) {
    if (bytes[at] == '#') {
      while (at < bytes.size() && bytes[at] != '\n') ++at;
    } else {
      ++at;
    }
  }
  const size_t begin = at;
  uint64_t value = 0;
  for (; at < bytes.size() && std::isdigit(bytes[at]) && at - begin < 10; ++at) {
    value = value * 10 + (bytes[at] - '0');
  }
  return at == begin ? std::nullopt : std::optional(value);
}

Result<ImageHeader> InspectPnm(Bytes bytes) {
  size_t at = 2;
  const auto width = PnmNumber(bytes, at), height = PnmNumber(bytes, at),
             top = PnmNumber(bytes, at);
  if (!width || !height || !top) {
    return InvalidArgument("the PPM/PGM header is damaged or cut short; write the file again");
  }
  const bool colour = bytes[1] == '3' || bytes[1] == '6';
  const bool text = bytes[1] == '2' || bytes[1] == '3';
  // As text, a value takes a blank and a digit at least.
  const uint64_t value_bytes = text ? 2 : *top > 255 ? 2 : 1;
  const uint64_t row_bytes = *width * (colour ? 3 : 1) * value_bytes;
  if (!text && at < bytes.size()) ++at;  // one blank ends the header
  if (*height != 0 && (bytes.size() - at) / *height < row_bytes) return CutShort("PPM/PGM");
  return ImageHeader{ImageFormat::kPnm, *width, *height};
}

// --- TIFF ---

class TiffReader {
 public:
  explicit TiffReader(Bytes bytes) : bytes_(bytes), big_(bytes[0] == 'M') {}
  bool Holds(uint64_t at, uint64_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }
  uint64_t Number(uint64_t at, size_t size) const {
    return big_ ? Big(bytes_, at, size) : Little(bytes_, at, size);
  }
  // The values of the field at `at` (tag, type, count, values or their offset); empty when they are
  // not in the file.
  std::vector<uint64_t> Values(uint64_t at) const {
    const uint64_t type = Number(at + 2, 2), count = Number(at + 4, 4);
    const size_t size = type == 3 ? 2 : type == 4 ? 4 : 0;
    if (size == 0 || count > kMaxImagePixels) return {};
    const uint64_t where = count * size <= 4 ? at + 8 : Number(at + 8, 4);
    if (!Holds(where, count * size)) return {};
    std::vector<uint64_t> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = Number(where + i * size, size);
    return values;
  }

 private:
  Bytes bytes_;
  bool big_;
};

Result<ImageHeader> InspectTiff(Bytes bytes) {
  const TiffReader reader(bytes);
  if (!reader.Holds(4, 4)) return CutShort("TIFF");
  const uint64_t directory = reader.Number(4, 4);
  if (!reader.Holds(directory, 2)) return CutShort("TIFF");
  const uint64_t fields = reader.Number(directory, 2);
  if (!reader.Holds(directory + 2, fields * 12)) return CutShort("TIFF");
  ImageHeader header{ImageFormat::kTiff, 0, 0};
  std::vector<uint64_t> offsets, lengths;
  std::set<uint64_t> seen;  // a tag that came again and again would be read again and again
  for (uint64_t i = 0; i < fields; ++i) {
    const uint64_t at = directory + 2 + i * 12;
    const uint64_t tag = reader.Number(at, 2);
    const bool size_tag = tag == 256 || tag == 257;
    const bool offset_tag = tag == 273 || tag == 324, length_tag = tag == 279 || tag == 325;
    if (!size_tag && !offset_tag && !length_tag) continue;
    if (!seen.insert(tag).second) return InvalidArgument("the TIFF field {} comes twice", tag);
    std::vector<uint64_t> values = reader.Values(at);
    if (values.empty()) return InvalidArgument("the TIFF field {} is damaged or cut off", tag);
    if (tag == 256) header.width = values[0];
    if (tag == 257) header.height = values[0];
    if (offset_tag) {
      offsets = std::move(values);
    } else if (length_tag) {
      lengths = std::move(values);
    }
  }
  for (size_t i = 0; i < std::min(offsets.size(), lengths.size()); ++i) {
    if (!reader.Holds(offsets[i], lengths[i])) return CutShort("TIFF");
  }
  return header;
}

// --- WebP ---

Result<ImageHeader> InspectWebp(Bytes bytes) {
  if (bytes.size() < 30 || Little(bytes, 4, 4) > bytes.size() - 8) return CutShort("WebP");
  ImageHeader header{ImageFormat::kWebp, 0, 0};
  if (StartsWith(bytes, "VP8X", 12)) {
    header.width = Little(bytes, 24, 3) + 1;
    header.height = Little(bytes, 27, 3) + 1;
  } else if (StartsWith(bytes, "VP8L", 12)) {
    const uint64_t sizes = Little(bytes, 21, 4);
    header.width = (sizes & 0x3FFF) + 1;
    header.height = (sizes >> 14 & 0x3FFF) + 1;
  } else if (StartsWith(bytes, "VP8 ", 12)) {
    header.width = Little(bytes, 26, 2) & 0x3FFF;
    header.height = Little(bytes, 28, 2) & 0x3FFF;
  } else {
    return InvalidArgument("the WebP data are damaged (first chunk)");
  }
  return header;
}

Result<ImageHeader> InspectByFormat(Bytes bytes) {
  using namespace std::string_view_literals;
  if (StartsWith(bytes, "\xFF\xD8\xFF"sv)) return InspectJpeg(bytes);
  if (StartsWith(bytes, "\x89PNG\r\n\x1A\n"sv)) return InspectPng(bytes);
  if (StartsWith(bytes, "BM"sv)) return InspectBmp(bytes);
  for (const auto magic : {"P2"sv, "P3"sv, "P5"sv, "P6"sv}) {
    if (StartsWith(bytes, magic) && bytes.size() > 2 && std::isspace(bytes[2])) {
      return InspectPnm(bytes);
    }
  }
  if (StartsWith(bytes, "II*\0"sv) || StartsWith(bytes, "MM\0*"sv)) return InspectTiff(bytes);
  if (StartsWith(bytes, "RIFF"sv) && StartsWith(bytes, "WEBP"sv, 8)) return InspectWebp(bytes);
  return InvalidArgument(
      "not an image that can be read here; convert it to JPEG, PNG, BMP, PPM/PGM, TIFF or WebP");
}

}  // namespace

Result<ImageHeader> InspectImage(Bytes bytes, std::string_view name) {
  if (bytes.empty()) return InvalidArgument("image '{}': the file is empty", name);
  if (bytes.size() > kMaxImageBytes) {
    return InvalidArgument("image '{}' has {} bytes; the limit is {}: scale it down", name,
                           bytes.size(), kMaxImageBytes);
  }
  Result<ImageHeader> header = InspectByFormat(bytes);
  if (!header.ok()) return header.status().WithContext(fmt::format("image '{}'", name));
  const uint64_t width = header->width, height = header->height;
  if (width == 0 || height == 0) {
    return InvalidArgument("image '{}': its header says {} x {} pixels", name, width, height);
  }
  if (width > kMaxImageSide || height > kMaxImageSide || width * height > kMaxImagePixels) {
    return InvalidArgument(
        "image '{}': its header says {} x {} pixels; the limits are {} a side and {} in all: scale "
        "it down",
        name, width, height, kMaxImageSide, kMaxImagePixels);
  }
  return header;
}

std::string EssentialPng(Bytes bytes) {
  std::string kept(bytes.begin(), bytes.begin() + 8);
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t size = Big(bytes, at, 4) + 12;
    const Bytes chunk = bytes.subspan(at, size);
    for (const std::string_view type : {"IHDR", "PLTE", "IDAT", "IEND", "eXIf"}) {
      if (StartsWith(chunk, type, 4)) kept.append(chunk.begin(), chunk.end());
    }
    if (StartsWith(chunk, "IEND", 4)) break;
    at += size;
  }
  return kept;
}

}  // namespace augstore
