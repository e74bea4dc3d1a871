#include "tools/version.h"

#include <fmt/core.h>

#include "engine/library_versions.h"

namespace augstore {

std::string VersionText() {
  return fmt::format("augstore {}\n{}", AUGSTORE_VERSION, LibraryVersions());
}

}  // namespace augstore
