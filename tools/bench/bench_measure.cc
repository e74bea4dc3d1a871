#include "tools/bench/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <latch>
#include <thread>

#include "engine/math/compute_threads.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

// An OpenMP team spins for a moment after its work: the next case must not pay for it.
constexpr std::chrono::milliseconds kPause{5};

struct WorkerOutcome {
  Status status;
  double rate = 0;
};

WorkerOutcome RunWorker(const Case& measured, int worker, double seconds) {
  WorkerOutcome outcome;
  const Stopwatch clock;
  uint64_t calls = 0;
  double elapsed = 0;
  try {
    do {
      outcome.status = measured.once(worker);
      ++calls;
      elapsed = clock.seconds();
    } while (outcome.status.ok() && !measured.single && elapsed < seconds && !Interrupted());
  } catch (const std::exception& error) {
    outcome.status = Internal("{}", error.what());
  }
  outcome.rate = static_cast<double>(calls) * measured.units / elapsed;
  return outcome;
}

// The rate of all workers together; each is timed by itself, so that the end of one does not idle
// in the figure of another.
Result<double> Repetition(const Case& measured, double seconds) {
  if (measured.before) AUGSTORE_TRY(measured.before());
  std::this_thread::sleep_for(kPause);
  std::vector<WorkerOutcome> outcomes(static_cast<size_t>(measured.workers));
  if (measured.workers == 1) {
    outcomes[0] = RunWorker(measured, 0, seconds);
  } else {
    std::latch start(measured.workers);
    std::vector<std::thread> threads;
    threads.reserve(outcomes.size());
    for (int worker = 0; worker < measured.workers; ++worker) {
      threads.emplace_back([&, worker] {
        start.arrive_and_wait();
        outcomes[static_cast<size_t>(worker)] = RunWorker(measured, worker, seconds);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  if (measured.after) measured.after();
  double rate = 0;
  for (const WorkerOutcome& outcome : outcomes) {
    AUGSTORE_TRY(outcome.status);
    rate += outcome.rate;
  }
  if (Interrupted()) return InterruptedStatus("scratch stores are removed: run it again");
  return rate;
}

}  // namespace

Result<CaseRates> RunCases(const BenchFlags& flags, const std::vector<Case>& cases) {
  CaseRates rates;
  for (const Case& one : cases) AUGSTORE_CHECK(rates.emplace(one.name, Rates{}).second);
  for (uint32_t round = 0; round <= flags.repeat; ++round) {
    for (const Case& one : cases) {
      const bool warm_up = round == 0;
      const Result<double> rate = Repetition(one, warm_up ? 0 : flags.seconds);
      if (!rate.ok()) return rate.status().WithContext(one.name);
      if (!warm_up) rates.at(one.name).of_round.push_back(*rate);
    }
  }
  return rates;
}

double Median(std::vector<double> values) {
  AUGSTORE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Rates::median() const { return Median(of_round); }

double Ratio(const Rates& a, const Rates& b) {
  AUGSTORE_CHECK(a.of_round.size() == b.of_round.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < a.of_round.size(); ++i) ratios.push_back(a.of_round[i] / b.of_round[i]);
  return Median(std::move(ratios));
}

Rates Best(const std::vector<Rates>& rates) {
  Rates best = rates.at(0);
  for (const Rates& other : rates) {
    for (size_t i = 0; i < best.of_round.size(); ++i) {
      best.of_round[i] = std::max(best.of_round[i], other.of_round.at(i));
    }
  }
  return best;
}

uint64_t Scaled(const BenchFlags& flags, uint64_t count, uint64_t least) {
  const auto wanted = static_cast<uint64_t>(std::llround(static_cast<double>(count) * flags.scale));
  return std::max<uint64_t>(wanted / least, 1) * least;
}

int AllWorkers() { return HardwareThreads(); }

}  // namespace augstore
