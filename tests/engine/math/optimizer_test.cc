#include "engine/math/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace augstore {
namespace {

TEST(Optimizer, RefusesAnUnknownName) {
  const Result<OptimizerKind> kind = ParseOptimizer("lion");
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.status().code(), Code::kInvalidArgument);
  EXPECT_NE(kind.status().message().find("lion"), std::string::npos);
}

TEST(Optimizer, AdamWFollowsItsDefinition) {
  const std::vector<float> gradients = {0.5F, -2.0F, 0.001F, 3.0F, 0.0F};
  std::vector<float> parameters = {1, -1, 0.5F, 2, 3};
  std::vector<float> first(5), second(5);
  std::vector<double> expected(parameters.begin(), parameters.end());
  std::vector<double> mean(5), square(5);
  for (int number = 1; number <= 3; ++number) {
    UpdateParameters(OptimizerStep(OptimizerKind::kAdamW, 0.1, 0.01, number), gradients,
                     parameters.data(), first.data(), second.data());
    for (size_t i = 0; i < 5; ++i) {
      expected[i] *= 1 - 0.1 * 0.01;
      mean[i] = 0.9 * mean[i] + 0.1 * gradients[i];
      square[i] = 0.999 * square[i] + 0.001 * gradients[i] * gradients[i];
      const double unbiased_mean = mean[i] / (1 - std::pow(0.9, number));
      const double unbiased_square = square[i] / (1 - std::pow(0.999, number));
      expected[i] -= 0.1 * unbiased_mean / (std::sqrt(unbiased_square) + 1e-8);
    }
  }
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(parameters[i], expected[i], 1e-5) << i;
}

TEST(Optimizer, SgdFollowsItsDefinition) {
  const std::vector<float> gradients = {0.5F, -2.0F};
  std::vector<float> parameters = {1, -1};
  std::vector<float> first(2);
  std::vector<double> expected = {1, -1};
  std::vector<double> velocity(2);
  for (int number = 1; number <= 3; ++number) {
    UpdateParameters(OptimizerStep(OptimizerKind::kSgd, 0.1, 0.01, number), gradients,
                     parameters.data(), first.data(), nullptr);
    for (size_t i = 0; i < 2; ++i) {
      velocity[i] = 0.9 * velocity[i] + gradients[i] + 0.01 * expected[i];
      expected[i] -= 0.1 * velocity[i];
    }
  }
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(parameters[i], expected[i], 1e-5) << i;
}

TEST(Optimizer, RateWarmsUpThenFallsToZero) {
  EXPECT_EQ(ScheduledRate(0.5, 123, 0), 0.5);
  EXPECT_NEAR(ScheduledRate(1, 0, 1000), 1.0 / 50, 1e-12);
  EXPECT_NEAR(ScheduledRate(1, 50, 1000), 1, 1e-3);
  EXPECT_NEAR(ScheduledRate(1, 525, 1000), 0.5, 1e-3);
  EXPECT_NEAR(ScheduledRate(1, 1000, 1000), 0, 1e-12);
  EXPECT_NEAR(ScheduledRate(1, 5000, 1000), 0, 1e-12);
  for (uint64_t step = 51; step < 1000; ++step) {
    EXPECT_LT(ScheduledRate(1, step, 1000), ScheduledRate(1, step - 1, 1000));
  }
}

TEST(Optimizer, OneStepInAllStartsAtTheFullRate) { EXPECT_EQ(ScheduledRate(0.3, 0, 1), 0.3); }

}  // namespace
}  // namespace augstore
