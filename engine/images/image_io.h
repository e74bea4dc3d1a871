// Images decoded, encoded and resized. No OpenCV type here. Thread-safe.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_IO_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_IO_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/images/image.h"
#include "schemas/base/status.h"

namespace augstore {

// Decodes JPEG, PNG, BMP, PPM/PGM, TIFF or WebP bytes; grey and alpha become RGB; EXIF rotation is
// applied. Errors: kInvalidArgument: `name`, and why (not an image, truncated, more than
// kMaxImagePixels). A JPEG that was cut short is an error, not a half-grey image.
Result<Image> DecodeImage(std::span<const uint8_t> bytes, std::string_view name);
// Bytes of a PNG or JPEG (by extension: "png", "jpg", quality 95).
Result<std::string> EncodeImage(const Image& image, std::string_view extension);
// Area interpolation down, bilinear up. REQUIRES: width, height > 0.
Image ResizeImage(const Image& image, uint32_t width, uint32_t height);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_IO_H_
