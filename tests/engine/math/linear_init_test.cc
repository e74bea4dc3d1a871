#include "engine/math/linear_init.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace augstore {
namespace {

TEST(LinearInit, StaysWithinTheBoundAndFillsIt) {
  std::vector<float> values(4000);
  InitialiseLinear(7, 0, 64, values);
  double sum = 0;
  float largest = 0;
  for (const float value : values) {
    EXPECT_LE(std::abs(value), 0.125F);
    largest = std::max(largest, std::abs(value));
    sum += value;
  }
  EXPECT_GT(largest, 0.12F);
  EXPECT_NEAR(sum / 4000, 0, 0.005);
}

TEST(LinearInit, DependsOnSeedLayerAndElementAlone) {
  std::vector<float> some(10);
  std::vector<float> more(20);
  InitialiseLinear(7, 1, 16, some);
  InitialiseLinear(7, 1, 16, more);
  EXPECT_EQ(some, std::vector<float>(more.begin(), more.begin() + 10));
  std::vector<float> other(10);
  InitialiseLinear(8, 1, 16, other);
  EXPECT_NE(some, other);
  InitialiseLinear(7, 2, 16, other);
  EXPECT_NE(some, other);
}

}  // namespace
}  // namespace augstore
