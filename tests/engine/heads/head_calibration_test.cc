#include "engine/heads/head_calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr size_t kRows = 4000;
constexpr size_t kClasses = 3;

LinearScores Identity(double factor) {
  LinearScores scores{std::vector<double>(kClasses * kClasses), std::vector<double>(kClasses),
                      std::vector<double>(kClasses)};
  for (size_t c = 0; c < kClasses; ++c) scores.weight[c * kClasses + c] = factor;
  return scores;
}

// Rows whose labels are drawn with softmax(scale * row + offset).
struct Drawn {
  Drawn(double scale, const std::vector<double>& offset) : rows(RandomMatrix(kRows, kClasses, 3)) {
    std::mt19937 generator(4);
    for (size_t i = 0; i < kRows; ++i) {
      std::vector<double> p;
      for (size_t c = 0; c < kClasses; ++c)
        p.push_back(std::exp(scale * rows.row(i)[c] + offset[c]));
      labels.push_back(std::discrete_distribution<size_t>(p.begin(), p.end())(generator));
    }
  }
  Matrix rows;
  std::vector<size_t> labels;
};

TEST(Calibration, FindsTheScaleThatMadeTheLabels) {
  const Drawn drawn(2, {0, 0, 0});
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  for (const double factor : {1e-6, 1.0, 1e6}) {
    const Calibration::Fit fit = calibration.Run(Identity(factor));
    EXPECT_NEAR(fit.scale * factor, 2, 0.15) << factor;
  }
}

TEST(Calibration, LeavesTheOffsetUnscaled) {
  const std::vector<double> offset = {1, -1, 0};
  const Drawn drawn(0.5, offset);
  LinearScores scores = Identity(1);
  scores.offset = offset;
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  EXPECT_NEAR(calibration.Run(scores).scale, 0.5, 0.1);
}

TEST(Calibration, IsALocalMinimum) {
  const Drawn drawn(1, {0, 0, 0});
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  const Calibration::Fit fit = calibration.Run(Identity(1));
  const auto loss = [&](double scale) {
    double sum = 0;
    for (size_t i = 0; i < kRows; ++i) {
      double total = 0;
      for (const float value : drawn.rows.row(i)) total += std::exp(scale * value);
      sum += std::log(total) - scale * drawn.rows.row(i)[drawn.labels[i]];
    }
    return sum / kRows;
  };
  EXPECT_NEAR(fit.loss, loss(fit.scale), 1e-6);
  EXPECT_LT(fit.loss, loss(fit.scale * 1.2));
  EXPECT_LT(fit.loss, loss(fit.scale / 1.2));
}

TEST(Calibration, StaysFiniteWhenEveryRowIsRight) {
  Drawn drawn(1, {0, 0, 0});
  for (size_t i = 0; i < kRows; ++i) {
    const auto row = drawn.rows.row(i);
    drawn.labels[i] = static_cast<size_t>(std::ranges::max_element(row) - row.begin());
  }
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  const Calibration::Fit fit = calibration.Run(Identity(1));
  EXPECT_TRUE(std::isfinite(fit.scale));
  EXPECT_GT(fit.scale, 5);
  EXPECT_LT(fit.loss, 0.1);
}

TEST(Calibration, ShrinksScoresThatAreWrongButKeepsTheirSign) {
  const Drawn drawn(-2, {0, 0, 0});
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  const Calibration::Fit fit = calibration.Run(Identity(1));
  EXPECT_GT(fit.scale, 0);
  EXPECT_LT(fit.scale, 0.01);
  EXPECT_NEAR(fit.loss, std::log(3.0), 0.01);
}

TEST(Calibration, LeavesScoresWithoutSpreadAlone) {
  const Drawn drawn(1, {0, 0, 0});
  Calibration calibration(drawn.rows.view(), drawn.labels, kClasses);
  const Calibration::Fit fit = calibration.Run(Identity(0));
  EXPECT_EQ(fit.scale, 1);
  EXPECT_NEAR(fit.loss, std::log(3.0), 1e-9);
}

}  // namespace
}  // namespace augstore
