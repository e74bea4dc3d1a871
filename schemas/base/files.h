// Whole files, read and replaced safely.
#ifndef AUGSTORE_SCHEMAS_BASE_FILES_H_
#define AUGSTORE_SCHEMAS_BASE_FILES_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

// Errors: kNotFound, kInvalidArgument (a folder, or more than max_bytes), kUnavailable (read
// error); all name the path.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

// Writes to a temporary file in the folder of `path`, syncs it and renames it over `path`: readers
// see the old or the new file, which has the permissions of the old one. A link stays, and the file
// that it points to is replaced. Errors: kInvalidArgument (`path` is a folder, a device or a pipe),
// kUnavailable; both name the path and the reason.
Status WriteFileAtomically(const std::string& path, std::string_view bytes);

// Makes the entry of `path` in its folder durable: after a file or a folder was made or renamed.
// Errors: kUnavailable.
Status SyncFolderOf(const std::string& path);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_FILES_H_
