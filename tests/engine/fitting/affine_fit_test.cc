#include "engine/fitting/affine_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"

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
  return FitAffine(PairMoments(train.z.view(), train.z_target.view()), held_out.z.view(),
                   held_out.z_target.view(), relu);
}

// From z to z', as a matrix: in by out.
double SlopeOf(const std::vector<double>& slopes, size_t in, size_t out) {
  return slopes[in * kDim + out] + (in == out ? 1 : 0);
}

TEST(AffineFit, RecoversAKnownMap) {
  const Pairs train(3000, 0, 1);
  const Result<AffineFit> fit = Fit(train, Pairs(200, 0, 2));
  ASSERT_TRUE(fit.ok()) << fit.status().ToString();
  const NetworkPtr map = Pairs::Map();
  const Layer& truth = map->layers.layers[0];
  const Layer layer = AffineLayer({train.z.view(), train.z_target.view()}, fit->slopes, false);
  for (size_t i = 0; i < kDim * kDim; ++i) {
    ASSERT_NEAR(layer.weight[i], truth.weight[i], 1e-3) << i;
    ASSERT_NEAR(SlopeOf(fit->slopes, i % kDim, i / kDim), truth.weight[i], 1e-3) << i;
  }
  for (size_t i = 0; i < kDim; ++i) ASSERT_NEAR(layer.bias[i], truth.bias[i], 1e-2) << i;
  EXPECT_LT(fit->held_out_mse, 1e-6);
  EXPECT_LT(fit->lambda, 1e-5);
}

TEST(AffineFit, ChoosesAStrongerPenaltyForNoisierPairs) {
  const double quiet = Fit(Pairs(300, 0.01F, 1), Pairs(200, 0.01F, 2)).value().lambda;
  const double noisy = Fit(Pairs(300, 10, 1), Pairs(200, 10, 2)).value().lambda;
  EXPECT_GT(noisy, 100 * quiet);
}

TEST(AffineFit, TendsToWhatEachDimensionSaysOfItselfAsThePenaltyGrows) {
  const Pairs pairs(500, 0, 1);
  const PairMoments moments(pairs.z.view(), pairs.z_target.view());
  const RidgeProblem problem(moments);
  const std::vector<double> diagonal = DiagonalSlopes(moments);
  const auto distance = [&](double lambda) {
    const std::vector<double> slopes = problem.Solve(lambda).value();
    double sum = 0;
    for (size_t i = 0; i < kDim * kDim; ++i) {
      sum += std::abs(slopes[i] - (i % (kDim + 1) == 0 ? diagonal[i % kDim] : 0));
    }
    return sum;
  };
  EXPECT_GT(distance(1), 10 * distance(100));
  EXPECT_LT(distance(1e12), 1e-3);
}

TEST(AffineFit, GivesTheSlopeOfEachDimensionAlone) {
  Pairs pairs(500, 0, 1);
  for (size_t row = 0; row < 500; ++row) {
    for (size_t i = 0; i < kDim; ++i) {
      pairs.z_target.row(row)[i] = pairs.z.row(row)[i] * static_cast<float>(i) + 7;
    }
    pairs.z.row(row)[5] = 2;  // does not vary: no slope
  }
  const std::vector<double> slopes =
      DiagonalSlopes(PairMoments(pairs.z.view(), pairs.z_target.view()));
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_NEAR(slopes[i], i == 5 ? 0 : static_cast<double>(i) - 1, 1e-4) << i;
  }
}

TEST(AffineFit, MeetsTheNormalEquations) {
  const Pairs pairs(40, 1, 1);  // fewer pairs than dimensions: only the penalty makes it solvable
  const PairMoments moments(pairs.z.view(), pairs.z_target.view());
  const double lambda = 0.1;
  const std::vector<double> slopes = RidgeProblem(moments).Solve(lambda).value();
  const std::vector<double> diagonal = DiagonalSlopes(moments);
  // X'(D - X A) = penalty (A - S).
  for (const size_t out : {size_t{0}, size_t{33}, kDim - 1}) {
    for (const size_t in : {size_t{0}, size_t{33}, size_t{65}}) {
      double left = moments.cross[in * kDim + out];
      for (size_t k = 0; k < kDim; ++k) {
        left -= moments.gram[in * kDim + k] * slopes[k * kDim + out];
      }
      const double from = slopes[in * kDim + out] - (in == out ? diagonal[in] : 0);
      EXPECT_NEAR(left, lambda * moments.mean_eigenvalue * from, 1e-6) << out << " " << in;
    }
  }
}

TEST(AffineFit, SolvesForOnePenaltyAsForMany) {
  const Pairs pairs(200, 1, 1);
  const PairMoments moments(pairs.z.view(), pairs.z_target.view());
  const std::vector<double> one = SolveRidge(moments, 0.1).value();
  const std::vector<double> many = RidgeProblem(moments).Solve(0.1).value();
  for (size_t i = 0; i < one.size(); ++i) ASSERT_NEAR(one[i], many[i], 1e-9) << i;
}

TEST(AffineFit, TakesMomentsOfAnyInputs) {
  const Pairs pairs(1500, 1, 1);  // more than one block
  const size_t inputs = kDim + 1;
  const PairMoments moments(
      inputs,
      [&](size_t begin, MatrixView out) {
        for (size_t row = 0; row < out.rows; ++row) {
          std::copy_n(pairs.z.row(begin + row).data(), kDim, out.row(row).data());
          out.row(row)[kDim] = pairs.z.row(begin + row)[0] * 2;
        }
      },
      pairs.z.view(), pairs.z_target.view());
  const PairMoments plain(pairs.z.view(), pairs.z_target.view());
  EXPECT_EQ(moments.mean_shift, plain.mean_shift);
  EXPECT_NEAR(moments.mean[kDim], 2 * plain.mean[0], 1e-9);
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_NEAR(moments.gram[i * inputs + i], plain.gram[i * kDim + i], 1e-3);
    EXPECT_NEAR(moments.cross[kDim * kDim + i], 2 * plain.cross[i], 1e-2);
  }
}

TEST(AffineFit, EndsInReluWhenAskedTo) {
  const Pairs pairs(300, 1, 1);
  const PairMoments moments(pairs.z.view(), pairs.z_target.view());
  const std::vector<double> slopes(kDim * kDim);
  EXPECT_EQ(AffineLayer(moments, slopes, true).shape.activation, Activation::kRelu);
  EXPECT_EQ(AffineLayer(moments, slopes, false).shape.activation, Activation::kNone);
}

TEST(AffineFit, RefusesPairsWithoutSpread) {
  Pairs pairs(30, 0, 1);
  std::fill_n(pairs.z.data(), 30 * kDim, 1.0F);
  const Result<AffineFit> fit = Fit(pairs, pairs);
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.status().code(), Code::kInvalidArgument);
  EXPECT_NE(fit.status().message().find("do not differ"), std::string::npos);
}

}  // namespace
}  // namespace augstore
