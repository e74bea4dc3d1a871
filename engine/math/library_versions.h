// The versions of the libraries that decide the engine's results. Thread-safe.
#ifndef AUGSTORE_ENGINE_MATH_LIBRARY_VERSIONS_H_
#define AUGSTORE_ENGINE_MATH_LIBRARY_VERSIONS_H_

#include <string>

namespace augstore {

// One line per library: "LibTorch 1.13.1", "oneDNN 2.6.3 (OpenMP)".
std::string LibraryVersions();
std::string TorchVersion();   // torch_versions.cc
std::string OneDnnVersion();  // onednn_versions.cc

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_LIBRARY_VERSIONS_H_
