// An image that can be read, and lists of them.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_ITEM_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_ITEM_H_

#include <cstdint>
#include <string>
#include <vector>

namespace augstore {

struct ImageItem {
  std::string key;      // unique within (source, split): the path relative to the root, or
                        // "data_batch_1.bin#17"
  int32_t label = -1;   // index into ImageSource::classes; -1: none
  std::string split;    // from the manifest, or "test" for CIFAR's test file; else empty
  std::string path;     // the file to read
  uint64_t offset = 0;  // CIFAR: byte offset of the pixels in the file
  bool cifar = false;   // pixels are 3072 raw bytes, planar RGB 32 x 32
};

struct ImageSource {
  std::vector<ImageItem> items;
  std::vector<std::string> classes;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_ITEM_H_
