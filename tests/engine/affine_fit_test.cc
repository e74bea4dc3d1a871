#include "engine/affine_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.h"
#include "tests/engine/networks.h"

namespace augstore {
namespace {

constexpr size_t kDim = 70;  // more than one panel, and not a multiple of one

// z, and z' = M z + m with noise of the given size.
struct Pairs {
  Pairs(size_t rows, float noise, unsigned seed)
      : z(RandomMatrix(rows, kDim, seed)), z_target(rows, kDim) {
    for (size_t i = 0; i < rows * kDim; ++i) z.data()[i] += 3;
    z_target = Applied(*NewReferenceEngine(), Map(), z.view());
    const Matrix errors = RandomMatrix(rows, kDim, seed + 1000);
    for (size_t i = 0; i < rows * kDim; ++i) z_target.data()[i] += noise * errors.data()[i];
  }
  static NetworkPtr Map() { return RandomNetwork({{kDim, kDim, Activation::kNone, false}}, 5); }
  Matrix z;
  Matrix z_target;
};

Result<AffineFit> Fit(const Pairs& train, const Pairs& held_out, bool relu = false) {
  return FitAffine(train.z.view(), train.z_target.view(), held_out.z.view(),
                   held_out.z_target.view(), relu);
}

TEST(AffineFit, RecoversAKnownMap) {
  const Pairs train(3000, 0, 1);
  const Result<AffineFit> fit = Fit(train, Pairs(200, 0, 2));
  ASSERT_TRUE(fit.ok()) << fit.status().ToString();
  const NetworkPtr map = Pairs::Map();
  const Layer& truth = map->layers.layers[0];
  for (size_t i = 0; i < kDim * kDim; ++i) {
    ASSERT_NEAR(fit->layer.weight[i], truth.weight[i], 1e-3) << i;
  }
  for (size_t i = 0; i < kDim; ++i) ASSERT_NEAR(fit->layer.bias[i], truth.bias[i], 1e-2) << i;
  EXPECT_LT(fit->held_out_mse, 1e-6);
  EXPECT_LT(fit->lambda, 1e-5);
}

TEST(AffineFit, ChoosesAStrongerPenaltyForNoisierPairs) {
  const double quiet = Fit(Pairs(300, 0.01F, 1), Pairs(200, 0.01F, 2)).value().lambda;
  const double noisy = Fit(Pairs(300, 10, 1), Pairs(200, 10, 2)).value().lambda;
  EXPECT_GT(noisy, 100 * quiet);
}

TEST(AffineFit, TendsToTheIdentityAsThePenaltyGrows) {
  const Pairs pairs(500, 0, 1);
  const RidgeProblem problem(pairs.z.view(), pairs.z_target.view());
  WorkerPool pool(2);
  const auto distance = [&](double lambda) {
    const Layer layer = problem.Solve(lambda, pool).value();
    double sum = 0;
    for (size_t i = 0; i < kDim * kDim; ++i) {
      sum += std::abs(layer.weight[i] - (i % (kDim + 1) == 0 ? 1 : 0));
    }
    return sum;
  };
  EXPECT_GT(distance(1), 10 * distance(100));
  EXPECT_LT(distance(1e12), 1e-3);
}

TEST(AffineFit, MeetsTheNormalEquations) {
  const Pairs pairs(40, 1, 1);  // fewer pairs than dimensions: only the penalty makes it solvable
  const RidgeProblem problem(pairs.z.view(), pairs.z_target.view());
  WorkerPool pool(1);
  const double lambda = 0.1;
  const Layer layer = problem.Solve(lambda, pool).value();
  // With E the residuals and X the centred inputs, X'E = penalty A.
  std::vector<double> mean(kDim);
  double trace = 0;
  for (size_t row = 0; row < 40; ++row) {
    for (size_t i = 0; i < kDim; ++i) mean[i] += pairs.z.row(row)[i] / 40;
  }
  for (size_t row = 0; row < 40; ++row) {
    for (size_t i = 0; i < kDim; ++i) trace += std::pow(pairs.z.row(row)[i] - mean[i], 2);
  }
  for (const size_t out : {size_t{0}, size_t{33}, kDim - 1}) {
    for (const size_t in : {size_t{0}, size_t{65}}) {
      double left = 0;
      for (size_t row = 0; row < 40; ++row) {
        double error = pairs.z_target.row(row)[out] - layer.bias[out];
        for (size_t i = 0; i < kDim; ++i) {
          error -= double{layer.weight[out * kDim + i]} * pairs.z.row(row)[i];
        }
        left += (pairs.z.row(row)[in] - mean[in]) * error;
      }
      const double slope = layer.weight[out * kDim + in] - (in == out ? 1 : 0);
      EXPECT_NEAR(left, lambda * trace / kDim * slope, 2e-3) << out << " " << in;
    }
  }
}

TEST(AffineFit, DoesNotDependOnTheNumberOfThreads) {
  const Pairs pairs(200, 1, 1);
  const RidgeProblem problem(pairs.z.view(), pairs.z_target.view());
  WorkerPool one(1);
  WorkerPool three(3);
  EXPECT_EQ(problem.Solve(0.1, one).value(), problem.Solve(0.1, three).value());
}

TEST(AffineFit, EndsInReluWhenAskedTo) {
  const Pairs train(300, 1, 1);
  const Pairs held_out(100, 1, 2);
  EXPECT_EQ(Fit(train, held_out, true).value().layer.shape.activation, Activation::kRelu);
  EXPECT_EQ(Fit(train, held_out, false).value().layer.shape.activation, Activation::kNone);
}

TEST(AffineFit, RefusesPairsWithoutSpread) {
  Pairs pairs(30, 0, 1);
  std::fill_n(pairs.z.data(), 30 * kDim, 1.0F);
  const Result<AffineFit> fit = Fit(pairs, pairs);
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.status().code(), Code::kInvalidArgument);
  EXPECT_NE(fit.status().message().find("30 pairs"), std::string::npos);
}

}  // namespace
}  // namespace augstore
