#include "engine/math/eigen_decompose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace augstore {
namespace {

constexpr size_t kDim = 30;

std::vector<double> RandomSquare(unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> matrix(kDim * kDim);
  for (double& value : matrix) value = normal(generator);
  return matrix;
}

void ExpectNear(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-9) << i;
}

std::vector<double> Identity() {
  std::vector<double> matrix(kDim * kDim);
  for (size_t i = 0; i < kDim; ++i) matrix[i * kDim + i] = 1;
  return matrix;
}

TEST(EigenDecompose, MultipliesWithAndWithoutTransposition) {
  const std::vector<double> a = {1, 2, 3, 4, 5, 6};  // 2 x 3
  const std::vector<double> b = {1, 0, 0, 1, 1, 1};  // 3 x 2
  EXPECT_EQ(Multiply(false, a, b, 2, 3, 2), (std::vector<double>{4, 5, 10, 11}));
  EXPECT_EQ(Multiply(true, a, a, 3, 2, 3),
            (std::vector<double>{17, 22, 27, 22, 29, 36, 27, 36, 45}));
}

TEST(EigenDecompose, GivesEigenpairsInDescendingOrder) {
  const std::vector<double> root = RandomSquare(1);
  const std::vector<double> a = Multiply(true, root, root, kDim, kDim, kDim);
  const SymmetricEigen eigen = DecomposeSymmetric(a, kDim);
  const std::vector<double> mapped = Multiply(false, a, eigen.vectors, kDim, kDim, kDim);
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_LE(eigen.values[i], eigen.values[i == 0 ? 0 : i - 1]);
    for (size_t j = 0; j < kDim; ++j) {
      ASSERT_NEAR(mapped[j * kDim + i], eigen.values[i] * eigen.vectors[j * kDim + i], 1e-9);
    }
  }
  ExpectNear(Multiply(true, eigen.vectors, eigen.vectors, kDim, kDim, kDim), Identity());
}

TEST(EigenDecompose, FindsTheRotationInARotationTimesAPositiveMatrix) {
  const std::vector<double> rotation = OrthogonalFactor(RandomSquare(2), kDim);
  ExpectNear(Multiply(true, rotation, rotation, kDim, kDim, kDim), Identity());
  const std::vector<double> root = RandomSquare(3);
  const std::vector<double> positive = Multiply(true, root, root, kDim, kDim, kDim);
  ExpectNear(OrthogonalFactor(Multiply(false, rotation, positive, kDim, kDim, kDim), kDim),
             rotation);
}

TEST(EigenDecompose, GivesAnOrthogonalFactorOfASingularMatrix) {
  std::vector<double> a(kDim * kDim);
  a[0] = 2;
  const std::vector<double> factor = OrthogonalFactor(a, kDim);
  ExpectNear(Multiply(true, factor, factor, kDim, kDim, kDim), Identity());
  EXPECT_NEAR(factor[0], 1, 1e-12);
}

}  // namespace
}  // namespace augstore
