// An image as pixels.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_H_

#include <cstdint>
#include <vector>

namespace augstore {

// 8-bit RGB, row-major, interleaved: pixel (x, y) at rgb[(y * width + x) * 3].
struct Image {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgb;
  bool operator==(const Image&) const = default;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_H_
