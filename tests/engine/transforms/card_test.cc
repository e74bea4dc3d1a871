#include "engine/transforms/card.h"

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
  EXPECT_DOUBLE_EQ(entry.r2, 1 - 2.0 / 7.0);
  EXPECT_DOUBLE_EQ(entry.cosine_before, (24.0 / 25.0 + 0) / 2);
  EXPECT_DOUBLE_EQ(entry.cosine_after, (28.0 / (5 * std::sqrt(32.0)) + 1) / 2);
  EXPECT_DOUBLE_EQ(entry.dispersion, (1.5 * 1.5 + 2 * 2) / (1 + 1.5 * 1.5));
}

TEST(MeasureCard, GivesZeroToTheIdentityAndOneToAPerfectTransform) {
  const std::vector<float> z = {1, 2, 3, 4, 5, 7};
  const std::vector<float> target = {2, 1, 4, 3, 9, 5};
  EXPECT_DOUBLE_EQ(MeasureCard("", View(z, 2), View(target, 2), View(z, 2)).r2, 0);
  const CardEntry perfect = MeasureCard("", View(z, 2), View(target, 2), View(target, 2));
  EXPECT_DOUBLE_EQ(perfect.r2, 1);
  EXPECT_DOUBLE_EQ(perfect.mse, 0);
  EXPECT_NEAR(perfect.cosine_after, 1, 1e-12);
  EXPECT_DOUBLE_EQ(perfect.dispersion, 1);
}

TEST(MeasureCard, StaysFiniteWhereADivisorIsZero) {
  const std::vector<float> zeros = {0, 0, 0, 0};
  const std::vector<float> ones = {1, 1, 1, 1};
  const std::vector<float> spread = {1, 1, 3, 3};
  const CardEntry still = MeasureCard("", View(zeros, 2), View(zeros, 2), View(zeros, 2));
  EXPECT_EQ(still.r2, 0);
  EXPECT_EQ(still.cosine_before, 1);
  EXPECT_EQ(still.dispersion, 1);
  const CardEntry moved = MeasureCard("", View(ones, 2), View(ones, 2), View(spread, 2));
  EXPECT_EQ(moved.r2, -1);
  EXPECT_EQ(moved.dispersion, 0);
  EXPECT_EQ(MeasureCard("", View(zeros, 2), View(ones, 2), View(ones, 2)).cosine_before, 0);
  EXPECT_EQ(MeasureCard("", View(ones, 4), View(ones, 4), View(spread, 4)).dispersion,
            1);  // one pair
}

TEST(MeasureCard, ResamplesGroupsAsOnePair) {
  // Four views of one image: no interval, whatever they are.
  const std::vector<float> z = {0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<float> target = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> mapped = {1, 1, 3, 3, 0, 6, 7, 0};
  const std::vector<size_t> one_image(4, 7);
  const CardEntry grouped =
      MeasureCard("", View(z, 2), View(target, 2), View(mapped, 2), {one_image, 1});
  const CardEntry alone = MeasureCard("", View(z, 2), View(target, 2), View(mapped, 2));
  EXPECT_EQ(grouped.r2, alone.r2);
  EXPECT_EQ(grouped.r2_low, grouped.r2);
  EXPECT_EQ(grouped.r2_high, grouped.r2);
  EXPECT_LT(alone.r2_low, alone.r2);
}

TEST(MeasureCard, AddsUpInDouble) {
  // 40000 errors of 1 and one of 5e7: float sums would lose the small ones.
  std::vector<float> z(40001, 0);
  std::vector<float> target(40001, 1);
  target[0] = 5e7f;
  const CardEntry entry = MeasureCard("", View(z, 1), View(target, 1), View(z, 1));
  EXPECT_DOUBLE_EQ(entry.mse * 40001, 2.5e15 + 40000);
}

// Pairs in one dimension: z = 0, z' between 1 and 3, Ω(z) half of the way give or take.
CardEntry MeasureNoisy(size_t pairs) {
  std::vector<float> z(pairs, 0);
  std::vector<float> target;
  std::vector<float> mapped;
  for (size_t i = 0; i < pairs; ++i) {
    const auto a = static_cast<float>(i * 37 % 100) / 100;
    const auto b = static_cast<float>(i * 61 % 97) / 97;
    target.push_back(1 + 2 * a);
    mapped.push_back(target.back() * (0.2F + 0.6F * b));
  }
  return MeasureCard("", View(z, 1), View(target, 1), View(mapped, 1));
}

TEST(MeasureCard, GivesAnIntervalThatHoldsGAndNarrowsWithMorePairs) {
  const CardEntry few = MeasureNoisy(40);
  const CardEntry many = MeasureNoisy(4000);
  for (const CardEntry& entry : {few, many}) {
    EXPECT_LT(entry.r2_low, entry.r2);
    EXPECT_GT(entry.r2_high, entry.r2);
  }
  EXPECT_LT(many.r2_high - many.r2_low, (few.r2_high - few.r2_low) / 5);
  EXPECT_EQ(MeasureNoisy(40), few) << "the same pairs have the same card";
}

TEST(MeasureCard, GivesNoWidthToTheIntervalOfOnePair) {
  const CardEntry entry = MeasureNoisy(1);
  EXPECT_EQ(entry.r2_low, entry.r2);
  EXPECT_EQ(entry.r2_high, entry.r2);
}

TEST(MeasureInverse, IsOneAllTheWayBackAndZeroWithoutTheWay) {
  const std::vector<float> z = {0, 0, 1, 1};
  const std::vector<float> there = {3, 4, 1, 1};
  const std::vector<float> half = {1.5, 2, 1, 1};
  EXPECT_DOUBLE_EQ(MeasureInverse(View(z, 2), View(there, 2), View(z, 2)), 1);
  EXPECT_DOUBLE_EQ(MeasureInverse(View(z, 2), View(there, 2), View(there, 2)), 0);
  EXPECT_DOUBLE_EQ(MeasureInverse(View(z, 2), View(there, 2), View(half, 2)), 0.75);
  EXPECT_EQ(MeasureInverse(View(z, 2), View(z, 2), View(z, 2)), 1);
  EXPECT_EQ(MeasureInverse(View(z, 2), View(z, 2), View(there, 2)), 0);
}

TEST(MeasureMicrosPerRow, AppliesToRowsOfTheSampleAndGivesATime) {
  const std::vector<float> sample = {1, 2, 3};
  size_t rows = 0;
  const auto micros = MeasureMicrosPerRow(View(sample, 1), [&](ConstMatrixView in, MatrixView out) {
    EXPECT_EQ(out.rows, in.rows);
    EXPECT_EQ(in.row(4)[0], 2);
    rows = in.rows;
    return OkStatus();
  });
  ASSERT_TRUE(micros.ok());
  EXPECT_EQ(rows, 256u);
  EXPECT_GT(*micros, 0);
}

TEST(MeasureMicrosPerRow, PassesErrorsOn) {
  const std::vector<float> sample = {1};
  const auto micros = MeasureMicrosPerRow(
      View(sample, 1), [](ConstMatrixView, MatrixView) { return Internal("broken"); });
  EXPECT_EQ(micros.status().code(), Code::kInternal);
}

}  // namespace
}  // namespace augstore
