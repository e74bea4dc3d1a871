#include "tools/cli/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

namespace augstore {
namespace {

TEST(Summarise, TakesTheSampleStandardDeviation) {
  const MeanSd summary = Summarise({1, 2, 3});
  EXPECT_DOUBLE_EQ(summary.mean, 2);
  EXPECT_DOUBLE_EQ(summary.sd, 1);
}

TEST(Summarise, OneValueHasNoSpreadAndNoValuesAreZero) {
  EXPECT_EQ(Summarise({5}).mean, 5);
  EXPECT_EQ(Summarise({5}).sd, 0);
  EXPECT_EQ(Summarise({}).mean, 0);
}

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

// How often of 400 times the 95 % interval holds the true difference, 1.
int TimesCovered(float seed_sd, float sample_sd) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  int covered = 0;
  for (int trial = 0; trial < 400; ++trial) {
    Matrix a(5, 60);
    Matrix b(5, 60);
    std::vector<float> of_sample(60);
    for (float& value : of_sample) value = sample_sd * normal(random);
    for (size_t s = 0; s < 5; ++s) {
      const float of_seed = seed_sd * normal(random);
      for (size_t i = 0; i < 60; ++i) {
        b.row(s)[i] = normal(random);
        a.row(s)[i] = b.row(s)[i] + 1.0f + of_seed + of_sample[i] + normal(random);
      }
    }
    const PolicyDifference difference = PairedDifference(a, b, 0.95);
    covered += difference.low <= 1 && 1 <= difference.high ? 1 : 0;
  }
  return covered;
}

TEST(PairedDifference, CoversTheTrueDifferenceAsOftenAsItSays) {
  for (const auto& [seed_sd, sample_sd] :
       {std::pair{0.2f, 1.0f}, std::pair{0.5f, 0.2f}, std::pair{0.05f, 2.0f}}) {
    EXPECT_GE(TimesCovered(seed_sd, sample_sd), 370) << seed_sd << " " << sample_sd;
    EXPECT_LE(TimesCovered(seed_sd, sample_sd), 395) << seed_sd << " " << sample_sd;
  }
  EXPECT_GE(TimesCovered(0, 0), 380) << "the variance is rather over- than underestimated";
}

TEST(PairedDifference, IsAStudentIntervalOfTheSeedsWhenSamplesAgree) {
  Matrix a(3, 4);
  Matrix b(3, 4);
  for (size_t s = 0; s < 3; ++s) {
    std::ranges::fill(a.row(s), static_cast<float>(s));
    std::ranges::fill(b.row(s), 0.0f);
  }
  const PolicyDifference difference = PairedDifference(a, b, 0.95);
  EXPECT_DOUBLE_EQ(difference.mean, 1);
  EXPECT_NEAR(difference.high, 1 + 4.302653 / std::sqrt(3.0), 1e-5);
  EXPECT_NEAR(difference.low, 1 - 4.302653 / std::sqrt(3.0), 1e-5);
}

TEST(PairedDifference, HasNoIntervalAfterOneSeed) {
  Matrix a(1, 3);
  Matrix b(1, 3);
  std::ranges::fill(a.row(0), 1.0f);
  std::ranges::fill(b.row(0), 0.5f);
  const PolicyDifference difference = PairedDifference(a, b, 0.95);
  EXPECT_EQ(difference.mean, 0.5);
  EXPECT_TRUE(std::isnan(difference.low));
  EXPECT_TRUE(std::isnan(difference.high));
}

}  // namespace
}  // namespace augstore
