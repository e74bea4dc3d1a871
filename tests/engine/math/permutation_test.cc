#include "engine/math/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace augstore {
namespace {

std::vector<uint64_t> Order(uint64_t n, uint64_t seed, uint64_t epoch) {
  const Permutation permutation(n, seed, epoch);
  std::vector<uint64_t> order(n);
  for (uint64_t i = 0; i < n; ++i) order[i] = permutation.At(i);
  return order;
}

bool IsPermutation(std::vector<uint64_t> order) {
  std::sort(order.begin(), order.end());
  std::vector<uint64_t> all(order.size());
  std::iota(all.begin(), all.end(), 0);
  return order == all;
}

// How far a chi-squared sum over `cells` cells is from what chance gives, in standard deviations.
double Excess(const std::vector<int>& counts, double expected, double freedom) {
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(Permutation, ReachesEveryIndexOnce) {
  for (uint64_t n = 1; n <= 300; ++n) {
    for (const uint64_t seed : {0u, 1u, 77u}) ASSERT_TRUE(IsPermutation(Order(n, seed, n))) << n;
  }
  EXPECT_TRUE(IsPermutation(Order(65536, 3, 0)));
  EXPECT_TRUE(IsPermutation(Order(65537, 3, 0)));
  EXPECT_TRUE(IsPermutation(Order(1000000, 3, 1)));
}

// These orders decide what streams give. If this test fails, every stored fingerprint is wrong:
// mend the code, not the test.
TEST(Permutation, NeverChangesItsOrders) {
  using V = std::vector<uint64_t>;
  EXPECT_EQ(Order(10, 1, 0), (V{9, 0, 4, 6, 7, 5, 1, 3, 8, 2}));
  EXPECT_EQ(Order(10, 1, 1), (V{0, 8, 4, 7, 5, 2, 1, 9, 3, 6}));
  EXPECT_EQ(Order(10, 2, 0), (V{3, 2, 6, 8, 4, 7, 5, 0, 1, 9}));
  const Permutation cifar(50000, 42, 3);
  EXPECT_EQ((V{cifar.At(0), cifar.At(1), cifar.At(2), cifar.At(3)}),
            (V{11466, 31182, 31082, 24320}));
  const Permutation imagenet(1281167, 0, 0);
  EXPECT_EQ((V{imagenet.At(0), imagenet.At(1), imagenet.At(2)}), (V{744707, 616623, 662226}));
}

TEST(Permutation, FillsARunAndFindsTheWayBack) {
  const Permutation order(1000, 3, 4);
  std::vector<int64_t> run(100);
  order.Fill(900, run);
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(static_cast<uint64_t>(run[i]), order.At(900 + i));
    EXPECT_EQ(order.PositionOf(order.At(900 + i)), 900 + i);
  }
}

TEST(Permutation, StaysInRangeForHugeSets) {
  const uint64_t n = uint64_t{1} << 40;
  const Permutation permutation(n, 7, 0);
  EXPECT_EQ(permutation.At(0), 788058305865u);
  EXPECT_EQ(permutation.At(n - 1), 942477513784u);
  const Permutation odd(n - 12345, 7, 0);
  for (uint64_t i = 0; i < 10000; ++i) ASSERT_LT(odd.At(i * 99999989), odd.size());
  const Permutation largest((uint64_t{1} << 63) + 5, 9, 9);
  EXPECT_EQ(largest.At(0), 3114365456228719245u);
  EXPECT_EQ(largest.At((uint64_t{1} << 63) + 4), 9124244667993776096u);
}

TEST(Permutation, DiffersByEpochAndBySeed) {
  std::vector<std::vector<uint64_t>> orders;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t epoch = 0; epoch < 10; ++epoch) orders.push_back(Order(100, seed, epoch));
  }
  std::sort(orders.begin(), orders.end());
  EXPECT_EQ(std::adjacent_find(orders.begin(), orders.end()), orders.end());
}

TEST(Permutation, PutsEveryIndexAtEveryPositionEquallyOften) {
  constexpr int kOrders = 20000;
  for (const uint64_t n : {2u, 3u, 5u, 8u, 13u, 16u, 64u, 100u}) {
    std::vector<int> counts(n * n);
    for (int i = 0; i < kOrders; ++i) {
      const Permutation permutation(n, static_cast<uint64_t>(i / 50),
                                    static_cast<uint64_t>(i % 50));
      for (uint64_t p = 0; p < n; ++p) ++counts[p * n + permutation.At(p)];
    }
    const double freedom = static_cast<double>((n - 1) * (n - 1));
    EXPECT_LT(std::abs(Excess(counts, kOrders / static_cast<double>(n), freedom)), 4) << n;
  }
}

TEST(Permutation, PutsEveryIndexAfterEveryOtherEquallyOften) {
  constexpr int kOrders = 20000;
  for (const uint64_t n : {3u, 8u, 20u, 64u}) {
    std::vector<int> counts(n * (n - 1));
    for (int i = 0; i < kOrders; ++i) {
      const std::vector<uint64_t> order = Order(n, 11, static_cast<uint64_t>(i));
      for (uint64_t p = 0; p + 1 < n; ++p) {
        ++counts[order[p] * (n - 1) + order[p + 1] - (order[p + 1] > order[p])];
      }
    }
    const double pairs = static_cast<double>(n * (n - 1));
    EXPECT_LT(Excess(counts, kOrders * static_cast<double>(n - 1) / pairs, pairs - 1), 4) << n;
  }
}

TEST(Permutation, ReachesAllOrdersOfFourEquallyOften) {
  constexpr int kOrders = 24000;
  std::vector<int> counts(256);
  for (int i = 0; i < kOrders; ++i) {
    const std::vector<uint64_t> order = Order(4, static_cast<uint64_t>(i), 0);
    ++counts[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]];
  }
  std::erase(counts, 0);
  ASSERT_EQ(counts.size(), 24u);
  EXPECT_LT(Excess(counts, kOrders / 24.0, 23), 4);
}

}  // namespace
}  // namespace augstore
