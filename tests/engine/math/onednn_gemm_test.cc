#include "engine/math/onednn_gemm.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/math/compute_threads.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

struct Case {
  bool transpose_a;
  bool transpose_b;
  int64_t m, n, k;
  int64_t padding = 0;  // what leading dimensions have more than they need
  float beta = 0;
};

void ExpectRight(const Case& c) {
  const int64_t lda = (c.transpose_a ? c.m : c.k) + c.padding;
  const int64_t ldb = (c.transpose_b ? c.k : c.n) + c.padding;
  const int64_t ldc = c.n + c.padding;
  const Matrix a =
      RandomMatrix(static_cast<size_t>(c.transpose_a ? c.k : c.m), static_cast<size_t>(lda), 1);
  const Matrix b =
      RandomMatrix(static_cast<size_t>(c.transpose_b ? c.n : c.k), static_cast<size_t>(ldb), 2);
  Matrix product = RandomMatrix(static_cast<size_t>(c.m), static_cast<size_t>(ldc), 3);
  const Matrix before = Copy(product.view());
  Gemm(c.transpose_a, c.transpose_b, c.m, c.n, c.k, a.data(), lda, b.data(), ldb, c.beta,
       product.data(), ldc);
  for (int64_t i = 0; i < c.m; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const double old = before.data()[i * ldc + j];
      double expected = j < c.n ? c.beta * old : old;
      for (int64_t l = 0; j < c.n && l < c.k; ++l) {
        expected += double{a.data()[c.transpose_a ? l * lda + i : i * lda + l]} *
                    double{b.data()[c.transpose_b ? j * ldb + l : l * ldb + j]};
      }
      ASSERT_NEAR(product.data()[i * ldc + j], expected, 1e-4 * (1 + std::abs(expected)))
          << i << ' ' << j;
    }
  }
}

TEST(Gemm, MultipliesWithAndWithoutTransposition) {
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      ExpectRight({a, b, 5, 7, 3});
      ExpectRight({a, b, 64, 33, 100});
      ExpectRight({a, b, 1, 40, 17});
      ExpectRight({a, b, 40, 1, 17});
    }
  }
}

TEST(Gemm, AddsToWhatIsThere) {
  ExpectRight({false, false, 9, 8, 7, 0, 1});
  ExpectRight({true, false, 9, 8, 7, 0, -0.5f});
}

TEST(Gemm, LeavesThePaddingOfRowsAlone) {
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) ExpectRight({a, b, 20, 21, 22, 5, 1});
  }
}

TEST(Gemm, TakesEmptySizes) {
  ExpectRight({false, false, 3, 4, 0, 0, 0});
  ExpectRight({false, false, 3, 4, 0, 0, 2});
  Gemm(false, false, 0, 4, 3, nullptr, 3, nullptr, 4, 0, nullptr, 4);
  Gemm(false, false, 4, 0, 3, nullptr, 3, nullptr, 1, 0, nullptr, 1);
}

TEST(Gemm, OverwritesWithBetaZeroWhateverWasThere) {
  const Matrix a = RandomMatrix(4, 4, 1);
  Matrix c(4, 4);
  std::fill(c.data(), c.data() + 16, std::numeric_limits<float>::quiet_NaN());
  Gemm(false, false, 4, 4, 4, a.data(), 4, a.data(), 4, 0, c.data(), 4);
  for (size_t i = 0; i < 16; ++i) EXPECT_TRUE(std::isfinite(c.data()[i]));
}

TEST(Gemm, IsDeterministicForATeamOfOneSize) {
  const int before = ComputeThreads();
  const Matrix a = RandomMatrix(300, 300, 1);
  const Matrix b = RandomMatrix(300, 300, 2);
  for (const int threads : {1, 2}) {
    SetComputeThreads(threads);
    EXPECT_EQ(ComputeThreads(), threads);
    Matrix first(300, 300);
    Gemm(true, false, 300, 300, 300, a.data(), 300, b.data(), 300, 0, first.data(), 300);
    for (int i = 0; i < 10; ++i) {
      Matrix again(300, 300);
      Gemm(true, false, 300, 300, 300, a.data(), 300, b.data(), 300, 0, again.data(), 300);
      ASSERT_TRUE(SameBytes(first.view(), again.view())) << threads;
    }
    EXPECT_EQ(ComputeThreads(), threads);
  }
  SetComputeThreads(before);
}

}  // namespace
}  // namespace augstore
