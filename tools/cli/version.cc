#include "tools/cli/version.h"

#include <fmt/core.h>

#include "engine/backbone/torch_versions.h"

namespace augstore {

std::string VersionText() {
  return fmt::format("augstore {}\n{}", AUGSTORE_VERSION, LibraryVersions());
}

}  // namespace augstore
