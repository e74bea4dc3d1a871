// The flags of `augstore bench`, which every part reads.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_FLAGS_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace augstore {

struct BenchFlags {
  std::vector<std::string> parts;  // empty: all
  bool json = false;
  bool quiet = false;
  bool quick = false;
  uint32_t repeat = 0;  // 0: 5, and 3 when quick
  double seconds = 0;   // least time of one repetition; 0: 0.2, and 0.04 when quick
  double scale = 1;     // of the numbers of rows and images
  uint32_t dim = 512;
  uint64_t seed = 0;
  std::string scratch;   // folder for scratch stores; empty: the system's temporary folder
  std::string program;   // that serves; empty: this one
  std::string backbone;  // TorchScript file of Φ
  std::string images;    // folder; empty: synthetic images
  std::string python = "python3";  // program, with numpy and torch
  std::string python_client;       // folder; empty: that of the sources that this was built from
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_FLAGS_H_
