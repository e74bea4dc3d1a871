#include "tools/compare/compare.h"

#include <gtest/gtest.h>

#include <cmath>

namespace augstore {
namespace {

TEST(Compare, SummarisesWithTheSampleStandardDeviation) {
  const MeanSd summary = Summarise({1, 2, 3});
  EXPECT_DOUBLE_EQ(summary.mean, 2);
  EXPECT_DOUBLE_EQ(summary.sd, 1);
  EXPECT_EQ(Summarise({5}).sd, 0);
}

TEST(Compare, TheGapIsClosedInProportion) {
  EXPECT_DOUBLE_EQ(GapClosed({0.4, 0.01}, {0.5, 0.01}, {0.6, 0.01}), 0.5);
  EXPECT_LT(GapClosed({0.4, 0.01}, {0.35, 0.01}, {0.6, 0.01}), 0);
}

TEST(Compare, ThereIsNoGapWithinTheSpread) {
  EXPECT_TRUE(std::isnan(GapClosed({0.50, 0.02}, {0.5, 0.01}, {0.51, 0.01})));
}

TEST(Compare, TheShiftedAccuracyIsTheMeanOverTheExperimentsOps) {
  CompareRow row;
  row.accuracy = {{0.9, 0.1, 0.3, 0.5}};
  CompareExperiment experiment;
  experiment.ops = {0, 2};
  EXPECT_DOUBLE_EQ(ShiftedAccuracy(experiment, row)[0], 0.3);
  EXPECT_DOUBLE_EQ(PlainAccuracy(row)[0], 0.9);
}

}  // namespace
}  // namespace augstore
