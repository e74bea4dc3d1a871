// For parsers that read a file by its name.
#ifndef AUGSTORE_TESTS_FUZZ_FILES_H_
#define AUGSTORE_TESTS_FUZZ_FILES_H_

#include "tests/support/temp_dir.h"

namespace augstore::fuzz {

// A folder of this process, removed when it ends.
inline const TempDir& Folder() {
  static const TempDir folder;
  return folder;
}

}  // namespace augstore::fuzz

#endif  // AUGSTORE_TESTS_FUZZ_FILES_H_
