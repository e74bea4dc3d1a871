#include "engine/images/image_format.h"

#include <libdeflate.h>

#include "schemas/base/limits.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

bool Same(const ImageHeader& a, const ImageHeader& b) {
  return a.format == b.format && a.width == b.width && a.height == b.height;
}

void CheckHeader(Bytes bytes) {
  const Result<ImageHeader> header = InspectImage(bytes, "x");
  if (!header.ok()) return;
  AUGSTORE_CHECK(header->width > 0 && header->width <= kMaxImageSide);
  AUGSTORE_CHECK(header->height > 0 && header->height <= kMaxImageSide);
  AUGSTORE_CHECK(header->width * header->height <= kMaxImagePixels);
  // Bytes after the image change nothing.
  std::string longer(Text(bytes));
  longer.append("\xff\x00\xd9", 3);
  const Result<ImageHeader> again =
      InspectImage({reinterpret_cast<const uint8_t*>(longer.data()), longer.size()}, "x");
  AUGSTORE_CHECK(again.ok() && Same(*again, *header));
  if (header->format != ImageFormat::kPng) return;
  const std::string kept = EssentialPng(bytes);
  AUGSTORE_CHECK(kept.size() <= bytes.size());
  const Result<ImageHeader> essential =
      InspectImage({reinterpret_cast<const uint8_t*>(kept.data()), kept.size()}, "x");
  AUGSTORE_CHECK(essential.ok() && Same(*essential, *header));
}

// The PNG with the checksums of its chunks set, so that bytes that nobody could guess stop nothing.
std::string SealPng(Bytes bytes) {
  std::string sealed(Text(bytes));
  for (size_t at = 8; at + 12 <= bytes.size();) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
    if (length > bytes.size() - at - 12) break;
    const uint32_t crc = libdeflate_crc32(0, bytes.data() + at + 4, length + 4);
    for (size_t i = 0; i < 4; ++i)
      sealed[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += length + 12;
  }
  return sealed;
}

}  // namespace

void Fuzz_image_header(Bytes input) {
  const std::string bytes(Text(input));
  CheckHeader({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  if (!bytes.starts_with("\x89PNG")) return;
  const std::string sealed = SealPng(input);
  CheckHeader({reinterpret_cast<const uint8_t*>(sealed.data()), sealed.size()});
}

}  // namespace augstore::fuzz
