// What `augstore bench` reports: tables of figures, and the targets that some of them should reach.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_REPORT_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/bench/bench_flags.h"
#include "tools/cli/command.h"

namespace augstore {

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
