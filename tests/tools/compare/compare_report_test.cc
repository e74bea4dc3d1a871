#include "tools/compare/compare_report.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(Compare, TheShiftedAccuracyIsTheMeanOverTheExperimentsOps) {
  CompareRow row;
  row.accuracy = {{0.9, 0.1, 0.3, 0.5}};
  CompareExperiment experiment;
  experiment.ops = {0, 2};
  EXPECT_DOUBLE_EQ(ShiftedAccuracy(experiment, row)[0], 0.3);
  EXPECT_DOUBLE_EQ(PlainAccuracy(row)[0], 0.9);
}

TEST(Compare, TheGapClosedIsOfRowsBetweenNoneAndPixelSpace) {
  CompareResult result;
  CompareExperiment experiment{.ops = {0}, .rows = {}};
  const std::vector<std::pair<std::string, double>> modes = {
      {"none", 0.4}, {"affine", 0.5}, {"pixel", 0.6}};
  for (const auto& [mode, shifted] : modes) {
    CompareRow row;
    row.mode = mode;
    row.accuracy = {{0.9, shifted}, {0.9, shifted + 0.01}, {0.9, shifted - 0.01}};
    experiment.rows.push_back(row);
  }
  const std::vector<RowSummary> with_pixel = SummariseRows(result, experiment);
  EXPECT_FALSE(with_pixel[0].gap.has_value());
  ASSERT_TRUE(with_pixel[1].gap.has_value());
  EXPECT_NEAR(with_pixel[1].gap->closed, 0.5, 1e-9);
  EXPECT_FALSE(with_pixel[2].gap.has_value());
  result.flags.no_pixel = true;
  experiment.rows.pop_back();
  EXPECT_FALSE(SummariseRows(result, experiment)[1].gap.has_value());
}

}  // namespace
}  // namespace augstore
