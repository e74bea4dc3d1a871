#include "engine/backbone/torch_versions.h"

#include <fmt/core.h>
#include <torch/version.h>

#include "engine/math/onednn_gemm.h"

namespace augstore {

std::string LibraryVersions() {
  return fmt::format("LibTorch {}\n{}", TORCH_VERSION, OneDnnVersion());
}

}  // namespace augstore
