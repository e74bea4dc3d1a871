#include "tools/compare/gap.h"

#include <gtest/gtest.h>

#include <cmath>

namespace augstore {
namespace {

// 97.5 % of Student's t with 4 degrees of freedom.
constexpr double kT = 2.776445;

const std::vector<double> kNone = {0.50, 0.52, 0.49, 0.51, 0.50};
const std::vector<double> kPixel = {0.56, 0.57, 0.54, 0.58, 0.55};

// t of the mean of (row - none) - theta (pixel - none).
double TStatistic(const std::vector<double>& row, double theta) {
  std::vector<double> values;
  double mean = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    values.push_back(row[i] - kNone[i] - theta * (kPixel[i] - kNone[i]));
    mean += values.back() / static_cast<double>(row.size());
  }
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean);
  const auto n = static_cast<double>(row.size());
  return mean / std::sqrt(variance / (n * (n - 1)));
}

TEST(MeasureGap, EndsWhereTheDifferenceIsJustSignificant) {
  const std::vector<double> row = {0.54, 0.54, 0.52, 0.55, 0.54};
  const Gap gap = MeasureGap(kNone, row, kPixel);
  ASSERT_TRUE(gap.significant);
  EXPECT_NEAR(gap.closed, (0.538 - 0.504) / (0.56 - 0.504), 1e-9);
  EXPECT_LT(gap.low, gap.closed);
  EXPECT_GT(gap.high, gap.closed);
  EXPECT_NEAR(TStatistic(row, gap.low), kT, 1e-4);
  EXPECT_NEAR(TStatistic(row, gap.high), -kT, 1e-4);
}

TEST(MeasureGap, IsExactForRowsThatCloseTheSamePartEverySeed) {
  for (const double part : {-0.5, 0.0, 0.25, 1.0, 1.5}) {
    std::vector<double> row;
    for (size_t i = 0; i < kNone.size(); ++i) {
      row.push_back(kNone[i] + part * (kPixel[i] - kNone[i]));
    }
    const Gap gap = MeasureGap(kNone, row, kPixel);
    ASSERT_TRUE(gap.significant);
    EXPECT_NEAR(gap.closed, part, 1e-12);
    EXPECT_NEAR(gap.low, part, 1e-6);
    EXPECT_NEAR(gap.high, part, 1e-6);
  }
}

TEST(MeasureGap, SaysNothingWherePixelSpaceIsNotBetter) {
  EXPECT_FALSE(MeasureGap(kPixel, kPixel, kNone).significant) << "worse";
  EXPECT_FALSE(MeasureGap(kNone, kPixel, kNone).significant) << "the same";
  EXPECT_FALSE(MeasureGap({0.5, 0.5}, {0.6, 0.6}, {0.51, 0.6}).significant) << "two uneven seeds";
  EXPECT_FALSE(MeasureGap({0.5}, {0.6}, {0.7}).significant) << "one seed";
  EXPECT_EQ(MeasureGap({0.5}, {0.6}, {0.7}).closed, 0);
}

TEST(GapText, HasTheIntervalOrSaysThatThereIsNoGap) {
  EXPECT_EQ(GapText({true, 0.567, 0.4, 0.751}), "57 % [40, 75]");
  EXPECT_EQ(GapText({}), "no gap");
}

}  // namespace
}  // namespace augstore
