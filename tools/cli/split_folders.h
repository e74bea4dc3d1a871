// Folders of images whose subfolders are splits, not classes.
#ifndef AUGSTORE_TOOLS_CLI_SPLIT_FOLDERS_H_
#define AUGSTORE_TOOLS_CLI_SPLIT_FOLDERS_H_

#include <string>

#include "engine/images/image_source.h"
#include "schemas/base/status.h"

namespace augstore {

// Lists the images of --images, as ListImages does. Errors: those of ListImages; kInvalidArgument
// (its classes would be called train and test: says which folder to take).
Result<ImageSource> ListClasses(const std::string& images);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_SPLIT_FOLDERS_H_
