#include "engine/card.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace augstore {
namespace {

ConstMatrixView View(const std::vector<float>& values, size_t cols) {
  return {values.data(), values.size() / cols, cols};
}

TEST(MeasureCard, ComputesWhatOneComputesByHand) {
  const std::vector<float> z = {3, 4, 0, 1};
  const std::vector<float> target = {4, 3, 2, 0};
  const std::vector<float> mapped = {4, 4, 1, 0};
  const CardEntry entry = MeasureCard("folder", View(z, 2), View(target, 2), View(mapped, 2));
  EXPECT_EQ(entry.data, "folder");
  EXPECT_EQ(entry.pairs, 2u);
  EXPECT_DOUBLE_EQ(entry.mse, (1 + 1) / 4.0);
  EXPECT_DOUBLE_EQ(entry.identity_mse, (2 + 5) / 4.0);
  EXPECT_DOUBLE_EQ(entry.explained, 1 - 2.0 / 7.0);
  EXPECT_DOUBLE_EQ(entry.cosine_before, (24.0 / 25.0 + 0) / 2);
  EXPECT_DOUBLE_EQ(entry.cosine_after, (28.0 / (5 * std::sqrt(32.0)) + 1) / 2);
  EXPECT_DOUBLE_EQ(entry.dispersion, (1.5 * 1.5 + 2 * 2) / (1 + 1.5 * 1.5));
}

TEST(MeasureCard, GivesZeroToTheIdentityAndOneToAPerfectTransform) {
  const std::vector<float> z = {1, 2, 3, 4, 5, 7};
  const std::vector<float> target = {2, 1, 4, 3, 9, 5};
  EXPECT_DOUBLE_EQ(MeasureCard("", View(z, 2), View(target, 2), View(z, 2)).explained, 0);
  const CardEntry perfect = MeasureCard("", View(z, 2), View(target, 2), View(target, 2));
  EXPECT_DOUBLE_EQ(perfect.explained, 1);
  EXPECT_DOUBLE_EQ(perfect.mse, 0);
  EXPECT_NEAR(perfect.cosine_after, 1, 1e-12);
  EXPECT_DOUBLE_EQ(perfect.dispersion, 1);
}

TEST(MeasureCard, StaysFiniteWhereADivisorIsZero) {
  const std::vector<float> zeros = {0, 0, 0, 0};
  const std::vector<float> ones = {1, 1, 1, 1};
  const std::vector<float> spread = {1, 1, 3, 3};
  const CardEntry still = MeasureCard("", View(zeros, 2), View(zeros, 2), View(zeros, 2));
  EXPECT_EQ(still.explained, 0);
  EXPECT_EQ(still.cosine_before, 1);
  EXPECT_EQ(still.dispersion, 1);
  const CardEntry moved = MeasureCard("", View(ones, 2), View(ones, 2), View(spread, 2));
  EXPECT_EQ(moved.explained, -1);
  EXPECT_EQ(moved.dispersion, 0);
  EXPECT_EQ(MeasureCard("", View(zeros, 2), View(ones, 2), View(ones, 2)).cosine_before, 0);
  EXPECT_EQ(MeasureCard("", View(ones, 4), View(ones, 4), View(spread, 4)).dispersion,
            1);  // one pair
}

TEST(MeasureCard, AddsUpInDouble) {
  // 40000 errors of 1 and one of 5e7: float sums would lose the small ones.
  std::vector<float> z(40001, 0);
  std::vector<float> target(40001, 1);
  target[0] = 5e7f;
  const CardEntry entry = MeasureCard("", View(z, 1), View(target, 1), View(z, 1));
  EXPECT_DOUBLE_EQ(entry.mse * 40001, 2.5e15 + 40000);
}

}  // namespace
}  // namespace augstore
