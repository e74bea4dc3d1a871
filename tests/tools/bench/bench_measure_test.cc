#include "tools/bench/bench_measure.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(BenchMeasure, TakesRatiosWithinRepetitionsAndTheirMedian) {
  // A machine that was half as fast in the second repetition.
  const Rates ours{{8, 4, 10}};
  const Rates ceiling{{10, 5, 10}};
  EXPECT_DOUBLE_EQ(Ratio(ours, ceiling), 0.8);
  EXPECT_DOUBLE_EQ(ours.median(), 8);
  EXPECT_DOUBLE_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Best({ours, ceiling}).of_round, (std::vector<double>{10, 5, 10}));
}

TEST(BenchMeasure, RunsCasesInTurnsAfterAWarmUp) {
  std::string turns;
  const auto note = [&](char letter) {
    return [&turns, letter](int) {
      turns += letter;
      return OkStatus();
    };
  };
  BenchFlags flags;
  flags.repeat = 2;
  flags.seconds = 1;
  const auto rates = RunCases(flags, {{.name = "a", .once = note('a'), .single = true},
                                      {.name = "b", .once = note('b'), .single = true}});
  ASSERT_TRUE(rates.ok());
  EXPECT_EQ(turns, "ababab");
  EXPECT_EQ(rates->at("a").of_round.size(), 2u);
}

TEST(BenchMeasure, AddsUpTheRatesOfWorkersAndPassesOnTheirErrors) {
  BenchFlags flags;
  flags.repeat = 1;
  flags.seconds = 0.001;
  const auto fail = [](int worker) {
    return worker == 1 ? DataLoss("row 7 is damaged") : OkStatus();
  };
  const auto rates = RunCases(flags, {{.name = "reader", .once = fail, .workers = 2}});
  EXPECT_EQ(rates.status().ToString(), "DataLoss: reader: row 7 is damaged");
}

}  // namespace
}  // namespace augstore
