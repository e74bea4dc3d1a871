#include <fmt/core.h>
#include <torch/version.h>

#include "engine/math/library_versions.h"

namespace augstore {

std::string TorchVersion() { return fmt::format("LibTorch {}", TORCH_VERSION); }

}  // namespace augstore
