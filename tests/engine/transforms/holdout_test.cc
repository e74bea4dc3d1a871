#include "engine/transforms/holdout.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace augstore {
namespace {

TEST(HoldoutMask, TakesTheAskedPartAndTheSameEveryTime) {
  const std::vector<bool> held_out = HoldoutMask(5000, 3, 0.1);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(held_out, true)), 500, 80);
  EXPECT_EQ(HoldoutMask(5000, 3, 0.1), held_out);
  EXPECT_NE(HoldoutMask(5000, 4, 0.1), held_out);
}

TEST(HoldoutMask, LeavesNeitherPartEmpty) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(std::ranges::count(HoldoutMask(2, seed, 0.001), true), 1);
    EXPECT_EQ(std::ranges::count(HoldoutMask(2, seed, 0.9), true), 1);
  }
}

TEST(KeepErrors, KeepsThemEvenlyAndNoMoreThanThereAre) {
  Matrix target(10, 2);
  Matrix mapped(10, 2);
  for (size_t i = 0; i < 20; ++i) {
    target.data()[i] = static_cast<float>(3 * i);
    mapped.data()[i] = static_cast<float>(i);
  }
  const Matrix some = KeepErrors(target.view(), mapped.view(), 5);
  ASSERT_EQ(some.rows(), 5u);
  EXPECT_EQ(some.row(1)[0], 2 * 4);  // of row 2
  EXPECT_EQ(some.row(4)[1], 2 * 17);
  EXPECT_EQ(KeepErrors(target.view(), mapped.view(), 99).rows(), 10u);
  EXPECT_EQ(KeepErrors(target.view(), mapped.view(), 0).rows(), 0u);
}

}  // namespace
}  // namespace augstore
