// What an image file's bytes say about themselves, read before any decoder runs: the format, the
// size, and whether the data are all there. Decoders allocate what a header claims, and give a
// partly grey image for a file that was cut short.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_FORMAT_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_FORMAT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

enum class ImageFormat { kJpeg, kPng, kBmp, kPnm, kTiff, kWebp };

struct ImageHeader {
  ImageFormat format = ImageFormat::kPng;
  uint64_t width = 0;
  uint64_t height = 0;
};

inline constexpr uint32_t kMaxImageSide =
    32766;  // OpenCV's geometry counts pixels of a side in 16 bits

// Errors: kInvalidArgument: `name`, and why: empty, no image, cut short, damaged (PNG: a checksum),
// no pixels or too many. All JPEG, PNG and WebP files that end early are found, and those BMP,
// PPM/PGM and TIFF files whose pixels are missing.
Result<ImageHeader> InspectImage(std::span<const uint8_t> bytes, std::string_view name);

// The PNG without the chunks that do not change its RGB pixels (colour profiles, texts, times):
// libpng prints warnings about them. REQUIRES: InspectImage accepted it.
std::string EssentialPng(std::span<const uint8_t> bytes);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_FORMAT_H_
