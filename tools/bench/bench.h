// What the parts of `augstore bench` share. Every figure is a ratio between things that were
// measured side by side in one run: ours, a ceiling (what the machine could do at most) and rivals
// (what one would use instead). Nothing here is a test of speed.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_H_

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "tools/cli/command.h"

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
  std::string images;    // folder; empty: drawn ones
  std::string python = "python3";  // program, with numpy and torch
  std::string python_client;       // folder; empty: that of the sources that this was built from
};

// `count` at --scale 1, as it is measured: at least `least`, and a multiple of it.
uint64_t Scaled(const BenchFlags& flags, uint64_t count, uint64_t least);
int AllWorkers();

// --- Measuring (bench_measure.cc) ---

// One of several things whose speeds are compared.
struct Contestant {
  std::string name;
  double units = 1;  // what one call of `once` does: rows, images, bytes
  std::function<Status(int worker)> once;
  int workers = 1;  // threads that call `once` side by side
  // A repetition is one call, instead of as many as its time allows: for work that cannot be done
  // twice, or that tells its own rate.
  bool single = false;
  std::function<Status()> before = {};  // not timed, before each repetition
  std::function<void()> after = {};     // and after it
};

// Units per second of each repetition.
struct Rates {
  std::vector<double> of_round;
  double median() const;
};

// Lets every contestant run once unmeasured, then `repeat` times each, by turns: what disturbs the
// machine for a while disturbs all. Errors: kUnavailable "interrupted", those of the contestants
// with their names.
Result<std::vector<Rates>> Race(const BenchFlags& flags,
                                const std::vector<Contestant>& contestants);
// The median over repetitions of a's rate over b's of the same repetition. REQUIRES: of one Race.
double Ratio(const Rates& a, const Rates& b);
double Median(std::vector<double> values);
// The greatest of several contestants, repetition by repetition.
Rates Best(const std::vector<Rates>& rates);

// --- Results (bench_report.cc) ---

struct BenchTable {
  std::string name;    // key of the JSON
  std::string legend;  // what was run, and what each ratio is a ratio to
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;  // texts and numbers; null: not measured
};

// What a figure should reach on two cores.
struct Bar {
  std::string name;
  double value = 0;
  double bar = 0;
  bool at_most = false;  // else at least
  bool met() const { return at_most ? value <= bar : value >= bar; }
};

struct BenchReport {
  std::vector<BenchTable> tables;
  std::vector<Bar> bars;
};

// JSON: `cores`, `cpu`, `quick`, `repeat`, `seconds`, `scale`, `dim`, `tables` {name: [{column:
// value}]}, `bars` [`name`, `value`, `bar`, `direction`, `met`].
Json BenchJson(const BenchFlags& flags, const BenchReport& report);
std::string TableText(const BenchTable& table);
std::string BarsText(const std::vector<Bar>& bars);

// --- The parts, each in its file ---
Status BenchEngine(const BenchFlags& flags, BenchReport* report);
Status BenchStore(const BenchFlags& flags, BenchReport* report);
Status BenchServe(const BenchFlags& flags, BenchReport* report);
Status BenchHeads(const BenchFlags& flags, BenchReport* report);
Status BenchIngest(const BenchFlags& flags, BenchReport* report);
Status BenchScale(const BenchFlags& flags, BenchReport* report);
Status BenchPaper(const BenchFlags& flags, BenchReport* report);
Status BenchPython(const BenchFlags& flags, BenchReport* report);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_H_
