// The versions of the libraries that decide the engine's results. No Torch type here.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_VERSIONS_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_VERSIONS_H_

#include <string>

namespace augstore {

// One line per library: "LibTorch 1.13.1", "oneDNN 2.6.3". Thread-safe.
std::string LibraryVersions();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_VERSIONS_H_
