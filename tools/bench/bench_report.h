// What `augstore bench` is asked, and what it reports: tables of figures, and the targets that some
// of them should reach.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_REPORT_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_REPORT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace augstore {

// Every part reads them.
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

struct BenchTable {
  std::string name;    // key of the JSON
  std::string legend;  // what was run, and what each ratio is a ratio to
  // Objects {column: value}, all with the same columns in the same order. Values are texts and
  // numbers; null: not measured.
  std::vector<Json> rows = {};
};

// What a figure should reach on two cores.
struct Target {
  std::string name;
  double value = 0;
  double target = 0;
  bool at_most = false;  // else at least
  bool met() const { return at_most ? value <= target : value >= target; }
};

struct BenchReport {
  std::vector<BenchTable> tables;
  std::vector<Target> targets;
};

// JSON: `cores`, `cpu`, `quick`, `repeat`, `seconds`, `scale`, `dim`, `tables` {name: [{column:
// value}]}, `targets` [`name`, `value`, `target`, `direction`, `met`].
Json BenchJson(const BenchFlags& flags, const BenchReport& report);
// REQUIRES: the table has a row.
std::string TableText(const BenchTable& table);
std::string TargetsText(const std::vector<Target>& targets);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_REPORT_H_
