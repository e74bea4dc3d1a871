// Internal to the server folder: the picture that a sample was made from, if the server's machine
// has it.
#ifndef AUGSTORE_SERVER_HTTP_IMAGE_FILE_H_
#define AUGSTORE_SERVER_HTTP_IMAGE_FILE_H_

#include <cstddef>
#include <string>

#include "schemas/base/status.h"

namespace augstore {

inline constexpr size_t kMostImageFileBytes = size_t{16} << 20;

struct ImageFile {
  std::string bytes;
  std::string type;  // "image/jpeg"
};

// The file `folder`/`key`, or `folder`/`split`/`key`, which never lies outside of `folder`,
// whatever the texts and whatever links there are. Errors: kNotFound (there is none, or it is no
// picture that browsers show: JPEG, PNG, GIF, WebP or BMP), kResourceExhausted (more than
// kMostImageFileBytes).
Result<ImageFile> ReadImageFile(const std::string& folder, const std::string& split,
                                const std::string& key);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_IMAGE_FILE_H_
