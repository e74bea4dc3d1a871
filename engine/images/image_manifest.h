// A CSV manifest of images: "path,label[,split]", quoted as in RFC 4180.
//
// The first line may be that header. Every line has as many fields as the first one. Blank lines
// are skipped; an empty label means none. When all labels are whole numbers, they are the class
// numbers themselves, so that a manifest of a part of the classes agrees with one of all; otherwise
// the classes are the distinct labels, sorted bytewise.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_MANIFEST_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_MANIFEST_H_

#include <string>
#include <string_view>

#include "engine/images/image_item.h"
#include "schemas/base/status.h"

namespace augstore {

// `path` names the manifest; the paths in it are relative to its folder. The files they name are
// not looked at. Errors: kNotFound, kInvalidArgument (the line's number and what is wrong with it).
Result<ImageSource> ReadManifest(const std::string& path);

// The same on text: `name` is for messages, and `folder` goes before relative paths.
Result<ImageSource> ParseManifest(std::string_view text, const std::string& name,
                                  const std::string& folder);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_MANIFEST_H_
