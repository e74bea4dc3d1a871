// The format and size of an image file, and whether its data are complete, read before any decoder
// runs. Decoders allocate as much memory as a header claims, and return a partly grey image for a
// file that was cut short.
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

// OpenCV's geometry counts the pixels of a side in 16 bits.
inline constexpr uint32_t kMaxImageSide = 32766;

// Errors: kInvalidArgument: `name`, and why: empty, no image, cut short, damaged (PNG: a checksum),
// no pixels or too many. All JPEG, PNG and WebP files that end early are found, and BMP, PPM/PGM
// and TIFF files whose pixels are missing.
Result<ImageHeader> InspectImage(std::span<const uint8_t> bytes, std::string_view name);

// The PNG without the chunks that do not change its RGB pixels (colour profiles, texts, times):
// libpng prints warnings about them. REQUIRES: InspectImage accepted it.
std::string EssentialPng(std::span<const uint8_t> bytes);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_FORMAT_H_
