// The binary files of CIFAR-10 and CIFAR-100: records of one label (10) or a coarse and a fine
// label (100: the fine one is used), a byte each, and 3072 pixel bytes: 32 x 32, all red, then all
// green, then all blue.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_CIFAR_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_CIFAR_H_

#include <string>
#include <string_view>
#include <vector>

#include "engine/images/image.h"
#include "engine/images/image_item.h"
#include "schemas/base/status.h"

namespace augstore {

inline constexpr size_t kCifarPixelBytes = 3072;

// All files of one data set, in this order. Class names are read from the folder of the first file;
// without a file of names they are "0", "1", ... Errors: kNotFound, kUnavailable, kInvalidArgument
// (a size that is no whole number of records, a label out of range).
Result<ImageSource> ListCifar(const std::vector<std::string>& paths);

// Errors: kInvalidArgument: not 3072 bytes.
Result<Image> DecodeCifar(std::string_view bytes, std::string_view name);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_CIFAR_H_
