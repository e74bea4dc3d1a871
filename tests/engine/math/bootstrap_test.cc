#include "engine/math/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace augstore {
namespace {

struct Sums {
  explicit Sums(size_t pairs, double gain, unsigned seed = 1) {
    std::mt19937 generator(seed);
    std::exponential_distribution<double> size;
    std::normal_distribution<double> noise(0, 0.1);
    for (size_t i = 0; i < pairs; ++i) {
      baselines.push_back(1 + size(generator));
      errors.push_back(baselines.back() * std::max(0.0, 1 - gain + noise(generator)));
    }
  }
  std::vector<double> errors;
  std::vector<double> baselines;
};

TEST(Bootstrap, HoldsWhatWasMeasuredAndNarrowsWithMorePairs) {
  double width = 1;
  for (const size_t pairs : {100, 1000, 10000}) {
    const Sums sums(pairs, 0.3);
    const Interval interval = BootstrapR2(sums.errors, sums.baselines, 7);
    const double r2 = R2Of(sums.errors, sums.baselines);
    EXPECT_LT(interval.low, r2);
    EXPECT_GT(interval.high, r2);
    EXPECT_LT(interval.high - interval.low, width / 2);
    width = interval.high - interval.low;
  }
}

// G is the mean of 1 - error here, whose standard error is known.
TEST(Bootstrap, HasTheWidthOfTheNormalInterval) {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal(0.7, 0.2);
  std::vector<double> errors(2000);
  for (double& error : errors) error = normal(generator);
  const std::vector<double> ones(2000, 1.0);
  const Interval interval = BootstrapR2(errors, ones, 1);
  EXPECT_NEAR(interval.high - interval.low, 2 * 1.96 * 0.2 / std::sqrt(2000), 0.002);
}

TEST(Bootstrap, IsTheSameEveryTimeForOneSeed) {
  const Sums sums(500, 0.1);
  const Interval first = BootstrapR2(sums.errors, sums.baselines, 5);
  EXPECT_EQ(first, BootstrapR2(sums.errors, sums.baselines, 5));
  EXPECT_NE(first, BootstrapR2(sums.errors, sums.baselines, 6));
}

TEST(Bootstrap, TellsPairedDifferencesApartThatSingleIntervalsDoNot) {
  const Sums sums(500, 0.3);
  std::vector<double> better = sums.errors;
  for (double& error : better) error *= 0.99;
  const Interval difference = BootstrapR2Difference(better, sums.errors, sums.baselines, 1);
  EXPECT_GT(difference.low, 0);
  EXPECT_LT(BootstrapR2(better, sums.baselines, 1).low, R2Of(sums.errors, sums.baselines));
  const Interval back = BootstrapR2Difference(sums.errors, better, sums.baselines, 1);
  EXPECT_DOUBLE_EQ(back.low, -difference.high);
  EXPECT_DOUBLE_EQ(back.high, -difference.low);
}

TEST(Bootstrap, FindsNoDifferenceBetweenNoiseAndNoise) {
  const Sums sums(500, 0.3, 1);
  Sums other = sums;
  std::mt19937 generator(9);
  std::normal_distribution<double> noise(0, 0.1);
  for (double& error : other.errors) error += noise(generator);
  const Interval difference = BootstrapR2Difference(sums.errors, other.errors, sums.baselines, 1);
  EXPECT_LT(difference.low, 0.01);
  EXPECT_GT(difference.high, -0.01);
}

TEST(Bootstrap, SpeaksOfTheIdentityAsACardDoes) {
  const std::vector<double> zero(3, 0.0);
  const std::vector<double> one(3, 1.0);
  EXPECT_EQ(R2Of(one, one), 0);
  EXPECT_EQ(BootstrapR2(one, one, 1), (Interval{0, 0}));
  EXPECT_EQ(R2Of(zero, zero), 0) << "nothing moves, and nothing should";
  EXPECT_EQ(R2Of(one, zero), -1);
  EXPECT_EQ(BootstrapR2(one, zero, 1), (Interval{-1, -1}));
}

TEST(Bootstrap, OfNoPairsOrOneIsAPoint) {
  EXPECT_EQ(BootstrapR2({}, {}, 1), Interval{});
  EXPECT_EQ(BootstrapR2Difference({}, {}, {}, 1), Interval{});
  const std::vector<double> error = {0.25};
  const std::vector<double> baseline = {1};
  EXPECT_EQ(BootstrapR2(error, baseline, 1), (Interval{0.75, 0.75}));
}

TEST(Bootstrap, SumsSquaredDistancesByRow) {
  Matrix a(2, 2);
  Matrix b(2, 2);
  std::copy_n(std::array{1.0F, 2.0F, 3.0F, 4.0F}.data(), 4, a.data());
  std::copy_n(std::array{1.0F, 0.0F, 0.0F, 0.0F}.data(), 4, b.data());
  EXPECT_EQ(SquaredDistances(a.view(), b.view()), (std::vector<double>{4, 25}));
}

}  // namespace
}  // namespace augstore
