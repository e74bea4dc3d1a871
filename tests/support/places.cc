#include "tests/support/places.h"

namespace augstore {

std::string SourcePath(std::string_view path) {
  return std::string(AUGSTORE_SOURCE_DIR "/").append(path);
}

std::string ProgramPath() { return AUGSTORE_PROGRAM; }

}  // namespace augstore
