#include <dnnl.h>
#include <fmt/core.h>

#include "engine/math/library_versions.h"

namespace augstore {

std::string OneDnnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::string LibraryVersions() { return TorchVersion() + "\n" + OneDnnVersion(); }

}  // namespace augstore
