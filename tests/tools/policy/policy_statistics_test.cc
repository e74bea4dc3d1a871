#include "tools/policy/policy_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>
#include <vector>

namespace augstore {
namespace {

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
