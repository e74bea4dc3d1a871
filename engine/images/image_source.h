// Where images come from: class folders, CIFAR-10/100 binary files, a CSV manifest. Listing is
// cheap and in a fixed order; reading happens per item.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_SOURCE_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_SOURCE_H_

#include <string>

#include "engine/images/image.h"
#include "engine/images/image_item.h"
#include "schemas/base/status.h"

namespace augstore {

// `path` is a folder with class folders (root/class/**/x.{jpg,jpeg,png,ppm,bmp,pgm,tif,tiff,webp},
// classes and files sorted bytewise; images of a folder without class folders have no labels), a
// folder with CIFAR *.bin files or one such file (CIFAR-10 and -100 are told apart by record size
// and by batches.meta.txt / fine_label_names.txt when there), or a CSV manifest
// "path,label[,split]" (header line optional; paths relative to the manifest; quotes as in RFC
// 4180). Errors: kNotFound, kInvalidArgument (no images there; a bad line of a manifest, with its
// number).
Result<ImageSource> ListImages(const std::string& path);

// The bytes that identify the image: the file's, or the 3072 pixel bytes. Errors: kNotFound,
// kUnavailable, kInvalidArgument.
Result<std::string> ReadItem(const ImageItem& item);
// Errors: as DecodeImage.
Result<Image> DecodeItem(const ImageItem& item, std::string_view bytes);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_SOURCE_H_
