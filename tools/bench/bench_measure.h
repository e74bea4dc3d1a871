// The one way in which `augstore bench` measures. Every figure is a ratio between cases that were
// measured in turns in one run: ours, a ceiling (the most that the machine could do) and baselines
// (what one would use instead). Nothing here is a test of speed.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_MEASURE_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_MEASURE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "tools/bench/bench_report.h"

namespace augstore {

// One of several things whose speeds are compared.
struct Case {
  std::string name;
  double units = 1;  // what one call of `once` does: rows, images, bytes
  std::function<Status(int worker)> once;
  int workers = 1;  // threads that call `once` at the same time
  // A repetition is one call, instead of as many as its time allows: for work that cannot be done
  // twice, or that measures its own rate.
  bool single = false;
  std::function<Status()> before = {};  // not timed, before each repetition
  std::function<void()> after = {};     // not timed, after each repetition
};

// Units per second of each repetition.
struct Rates {
  std::vector<double> of_round;
  double median() const;
};
using CaseRates = std::map<std::string, Rates>;  // by the name of the case

// Runs every case once unmeasured, then `repeat` times each, in turns: a disturbance of the machine
// hits all of them. Errors: kUnavailable "interrupted", those of the cases with their names.
// REQUIRES: no two cases have one name.
Result<CaseRates> RunCases(const BenchFlags& flags, const std::vector<Case>& cases);
// The median over repetitions of a's rate over b's of the same repetition. REQUIRES: of one run.
double Ratio(const Rates& a, const Rates& b);
// REQUIRES: not empty.
double Median(std::vector<double> values);
// The greatest rate of each repetition. REQUIRES: not empty; of one run.
Rates Best(const std::vector<Rates>& rates);

// `count` times flags.scale, as a multiple of `least` that is not 0.
uint64_t Scaled(const BenchFlags& flags, uint64_t count, uint64_t least);
// The number of CPU cores.
int AllWorkers();

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_MEASURE_H_
