#include "engine/heads/head_panels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(HeadPanels, TransposesWhateverIsNoMultipleOfFour) {
  for (const size_t rows : {1u, 3u, 4u, 9u, 16u}) {
    for (const size_t cols : {1u, 4u, 7u, 20u}) {
      const Matrix from = RandomMatrix(rows, cols + 3, 1);
      std::vector<float> to(cols * (rows + 2), kNan);
      Transpose(rows, cols, from.data(), cols + 3, to.data(), rows + 2);
      for (size_t c = 0; c < cols; ++c) {
        for (size_t r = 0; r < rows; ++r) EXPECT_EQ(to[c * (rows + 2) + r], from.row(r)[c]);
        EXPECT_TRUE(std::isnan(to[c * (rows + 2) + rows])) << "wrote beyond the rows";
      }
    }
  }
}

TEST(HeadPanels, FillsSamplesUpWithZeros) {
  constexpr size_t kWidth = 8;
  const Matrix x = RandomMatrix(11, 13, 2);
  std::vector<float> samples(13 * kWidth, kNan);
  PackSamplePanel(x.view(), 1, kWidth, samples.data());
  std::vector<float> features(16 * kWidth, kNan);
  PackFeaturePanel(x.view(), 1, kWidth, features.data());
  for (size_t i = 0; i < 13; ++i) {
    for (size_t c = 0; c < kWidth; ++c) {
      EXPECT_EQ(samples[i * kWidth + c], 8 + c < 11 ? x.row(8 + c)[i] : 0.0F);
    }
  }
  for (size_t sample = 0; sample < 16; ++sample) {
    for (size_t c = 0; c < 5; ++c) {
      EXPECT_EQ(features[sample * kWidth + c], sample < 11 ? x.row(sample)[8 + c] : 0.0F);
    }
  }
}

// Logits of 3 samples and 5 classes in a panel of 8, and what plain loops make of them.
TEST(HeadPanels, ScoresAsPlainLoopsDo) {
  constexpr size_t kClasses = 5;
  constexpr size_t kWidth = 8;
  for (const float size : {0.1F, 3.0F, 80.0F}) {
    Matrix logits = RandomMatrix(kClasses, kWidth, 3);
    for (size_t i = 0; i < kClasses * kWidth; ++i) logits.data()[i] *= size;
    const std::vector<int32_t> labels = {4, 0, 2};
    std::vector<float> delta(kClasses * kWidth, kNan);
    const HeadScore score =
        ScorePanel(logits.data(), kClasses, kWidth, labels, 0.25F, delta.data());
    double loss = 0;
    uint64_t hits = 0;
    for (size_t c = 0; c < labels.size(); ++c) {
      const auto label = static_cast<size_t>(labels[c]);
      double sum = 0;
      size_t best = 0;
      for (size_t k = 0; k < kClasses; ++k) {
        sum += std::exp(double{logits.row(k)[c]} - logits.row(label)[c]);
        if (logits.row(k)[c] > logits.row(best)[c]) best = k;
      }
      loss += std::log(sum);
      hits += best == label ? 1 : 0;
      for (size_t k = 0; k < kClasses; ++k) {
        const double power = std::exp(double{logits.row(k)[c]} - logits.row(label)[c]);
        EXPECT_NEAR(delta[k * kWidth + c], 0.25 * (power / sum - (k == label ? 1 : 0)), 1e-6);
      }
    }
    EXPECT_NEAR(score.loss_sum, loss, 1e-5 * (1 + loss));
    EXPECT_EQ(score.hits, hits);
    for (size_t k = 0; k < kClasses; ++k) {
      for (size_t c = labels.size(); c < kWidth; ++c) EXPECT_EQ(delta[k * kWidth + c], 0.0F);
    }
  }
}

TEST(HeadPanels, AnswersWithTheFirstOfEqualLogits) {
  const std::vector<float> logits(3 * 8, 1.5F);
  std::vector<float> delta(logits.size());
  const std::vector<int32_t> first = {0};
  const std::vector<int32_t> later = {1};
  EXPECT_EQ(ScorePanel(logits.data(), 3, 8, first, 1, delta.data()).hits, 1u);
  EXPECT_EQ(ScorePanel(logits.data(), 3, 8, later, 1, delta.data()).hits, 0u);
}

TEST(HeadPanels, TellsOfLogitsThatAreNoNumbers) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const float bad : {kNan, kInf}) {
    for (const size_t where : {0u, 1u, 2u}) {
      std::vector<float> logits(3 * 8, 1.5F);
      std::vector<float> delta(logits.size());
      logits[where * 8] = bad;
      const std::vector<int32_t> labels = {1};
      EXPECT_FALSE(std::isfinite(ScorePanel(logits.data(), 3, 8, labels, 1, delta.data()).loss_sum))
          << bad << " at class " << where;
    }
  }
  // What cannot happen costs nothing, unless it did.
  std::vector<float> panel;
  for (const float logit : {-kInf, 1.5F, 1.5F}) panel.insert(panel.end(), 8, logit);
  std::vector<float> delta(panel.size());
  const auto loss = [&](std::vector<int32_t> labels) {
    return ScorePanel(panel.data(), 3, 8, labels, 1, delta.data()).loss_sum;
  };
  EXPECT_NEAR(loss({1}), std::log(2.0), 1e-6);
  EXPECT_EQ(delta[0], 0.0F);
  EXPECT_FALSE(std::isfinite(loss({0})));
}

}  // namespace
}  // namespace augstore
