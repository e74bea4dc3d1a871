#include "engine/math/eigen_shifted_system.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace augstore {
namespace {

constexpr size_t kDim = 17;
constexpr size_t kColumns = 3;

// G'G of a random rows x kDim matrix, lower triangle; the upper one is nonsense that must not be
// read.
std::vector<double> Gram(size_t rows) {
  std::mt19937 generator(5);
  std::normal_distribution<double> normal;
  std::vector<double> g(rows * kDim);
  for (double& value : g) value = normal(generator);
  std::vector<double> gram(kDim * kDim, 1e9);
  for (size_t i = 0; i < kDim; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      gram[i * kDim + j] = 0;
      for (size_t r = 0; r < rows; ++r) gram[i * kDim + j] += g[r * kDim + i] * g[r * kDim + j];
    }
  }
  return gram;
}

std::vector<double> RightSides() {
  std::vector<double> b(kDim * kColumns);
  for (size_t i = 0; i < b.size(); ++i) b[i] = std::sin(static_cast<double>(i));
  return b;
}

// Largest element of (A + shift I) X - B.
double Residual(const std::vector<double>& a, const std::vector<double>& b, double shift,
                const std::vector<double>& x) {
  double largest = 0;
  for (size_t i = 0; i < kDim; ++i) {
    for (size_t c = 0; c < kColumns; ++c) {
      double sum = shift * x[i * kColumns + c] - b[i * kColumns + c];
      for (size_t j = 0; j < kDim; ++j) {
        sum += a[std::max(i, j) * kDim + std::min(i, j)] * x[j * kColumns + c];
      }
      largest = std::max(largest, std::abs(sum));
    }
  }
  return largest;
}

TEST(ShiftedSystem, SolvesEveryShiftAsCholeskyDoes) {
  const std::vector<double> a = Gram(40);
  const std::vector<double> b = RightSides();
  const ShiftedSystem system(a, b, kDim);
  for (const double shift : {0.0, 1e-3, 1.0, 1e4}) {
    const auto x = system.Solve(shift);
    ASSERT_TRUE(x.has_value()) << shift;
    EXPECT_LT(Residual(a, b, shift, *x), 1e-10) << shift;
    const auto by_cholesky = SolveShifted(a, b, kDim, shift);
    ASSERT_TRUE(by_cholesky.has_value()) << shift;
    EXPECT_LT(Residual(a, b, shift, *by_cholesky), 1e-10) << shift;
  }
}

TEST(ShiftedSystem, RefusesASingularMatrixWithoutAShift) {
  const std::vector<double> a = Gram(kDim - 4);
  const std::vector<double> b = RightSides();
  const ShiftedSystem system(a, b, kDim);
  EXPECT_FALSE(system.Solve(0).has_value());
  EXPECT_FALSE(SolveShifted(a, b, kDim, 0).has_value());
  const auto x = system.Solve(1e-3);
  ASSERT_TRUE(x.has_value());
  EXPECT_LT(Residual(a, b, 1e-3, *x), 1e-8);
  EXPECT_TRUE(SolveShifted(a, b, kDim, 1e-3).has_value());
}

TEST(ShiftedSystem, RefusesZerosAndNaN) {
  const std::vector<double> zeros(kDim * kDim);
  EXPECT_FALSE(ShiftedSystem(zeros, RightSides(), kDim).Solve(0).has_value());
  EXPECT_FALSE(SolveShifted(zeros, RightSides(), kDim, 0).has_value());
  const std::vector<double> nan(kDim * kDim, std::nan(""));
  EXPECT_FALSE(ShiftedSystem(nan, RightSides(), kDim).Solve(1).has_value());
  EXPECT_FALSE(SolveShifted(nan, RightSides(), kDim, 1).has_value());
}

TEST(ShiftedSystem, TakesOneDimension) {
  const std::vector<double> a = {3};
  const std::vector<double> b = {10};
  EXPECT_DOUBLE_EQ(ShiftedSystem(a, b, 1).Solve(2)->front(), 2);
  EXPECT_DOUBLE_EQ(SolveShifted(a, b, 1, 2)->front(), 2);
}

}  // namespace
}  // namespace augstore
