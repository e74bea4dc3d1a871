#include "engine/streams/shuffle_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

namespace augstore {
namespace {

std::vector<uint64_t> Order(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t window) {
  ShuffleOrder shuffle(n, seed, epoch, window);
  std::vector<uint64_t> order(n);
  for (uint64_t i = 0; i < n; ++i) order[i] = shuffle.At(i);
  return order;
}

TEST(ShuffleOrder, ReachesEverySampleOnce) {
  for (const uint64_t n : {1u, 2u, 255u, 256u, 257u, 511u, 513u, 1000u, 2048u, 5001u, 20000u}) {
    std::vector<uint64_t> all(n);
    std::iota(all.begin(), all.end(), 0);
    for (const uint64_t window : {0u, 1u, 256u, 300u, 1024u, 5000u, 5001u, 100000u}) {
      for (const uint64_t epoch : {0u, 1u, 2u, 3u}) {
        std::vector<uint64_t> order = Order(n, 5, epoch, window);
        std::sort(order.begin(), order.end());
        ASSERT_EQ(order, all) << n << " " << window;
      }
    }
  }
}

TEST(ShuffleOrder, IsOnePermutationWithoutAWindow) {
  const Permutation whole(1000, 3, 7);
  for (const uint64_t window : {uint64_t{0}, uint64_t{1000}, UINT64_MAX}) {
    ShuffleOrder order(1000, 3, 7, window);
    for (uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(order.At(i), whole.At(i));
  }
}

TEST(ShuffleOrder, HasOneNameForEachOrder) {
  EXPECT_EQ(WholeWindow(1000, 0), 0u);
  EXPECT_EQ(WholeWindow(1000, 1), 256u);
  EXPECT_EQ(WholeWindow(1000, 256), 256u);
  EXPECT_EQ(WholeWindow(1000, 257), 512u);
  EXPECT_EQ(WholeWindow(1000, 900), 0u);  // whole blocks hold all
  EXPECT_EQ(WholeWindow(1000, UINT64_MAX), 0u);
  EXPECT_EQ(Order(1000, 1, 2, 900), Order(1000, 1, 2, 0));
}

TEST(ShuffleOrder, GivesTheSameInAnyOrderOfAsking) {
  const std::vector<uint64_t> order = Order(3000, 1, 2, 512);
  ShuffleOrder backwards(3000, 1, 2, 512);
  for (uint64_t i = 3000; i-- > 0;) ASSERT_EQ(backwards.At(i), order[i]);
}

// These orders decide what streams give. If this test fails, every stored fingerprint is wrong:
// mend the code, not the test.
TEST(ShuffleOrder, NeverChangesItsOrders) {
  ShuffleOrder order(1281167, 42, 3, 65536);
  std::vector<uint64_t> first;
  for (const uint64_t i : {0u, 1u, 65536u, 1281166u}) first.push_back(order.At(i));
  EXPECT_EQ(first, (std::vector<uint64_t>{295684, 530813, 1235123, 44690}));
}

TEST(ShuffleOrder, ReadsEachBlockInOneWindowOrTwo) {
  constexpr uint64_t kSamples = 100 * kShuffleBlock + 17;
  constexpr uint64_t kWindow = 8 * kShuffleBlock;
  const std::vector<uint64_t> order = Order(kSamples, 1, 0, kWindow);
  uint64_t visits = 0;
  for (uint64_t begin = 0; begin < kSamples; begin += kWindow) {
    std::set<uint64_t> blocks;
    for (uint64_t i = begin; i < std::min(begin + kWindow, kSamples); ++i) {
      blocks.insert(order[i] / kShuffleBlock);
    }
    EXPECT_LE(blocks.size(), 9u) << begin;
    visits += blocks.size();
  }
  // The short block shifts those behind it against the windows.
  EXPECT_LE(visits, 101u + 13u);
}

// Samples sorted by class, ten classes: the chi-squared sum of the classes in each batch of 256,
// over what chance gives. 1 is chance; 2304 batches of one class each.
double ClassExcess(uint64_t window) {
  constexpr uint64_t kSamples = 51200;
  constexpr uint64_t kBatch = 256;
  const std::vector<uint64_t> order = Order(kSamples, 9, 1, window);
  double sum = 0;
  for (uint64_t begin = 0; begin < kSamples; begin += kBatch) {
    std::vector<double> counts(10);
    for (uint64_t i = begin; i < begin + kBatch; ++i) ++counts[order[i] * 10 / kSamples];
    for (const double count : counts) sum += (count - 25.6) * (count - 25.6) / 25.6;
  }
  return sum / (9.0 * kSamples / kBatch);
}

TEST(ShuffleOrder, BalancesClassesTheBetterTheMoreBlocksItMixes) {
  EXPECT_NEAR(ClassExcess(0), 1, 0.1);
  EXPECT_GT(ClassExcess(256), 200);  // one block, and so one class, per batch
  const double sixteen = ClassExcess(16 * kShuffleBlock);
  EXPECT_LT(sixteen, 256.0 / 16 * 1.5);
  EXPECT_LT(ClassExcess(64 * kShuffleBlock), sixteen / 2);
}

TEST(ShuffleOrder, MovesSamplesAsFarAsAPermutationDoes) {
  constexpr uint64_t kSamples = 50000;
  const std::vector<uint64_t> order = Order(kSamples, 4, 0, 2048);
  double moved = 0;
  for (uint64_t i = 0; i < kSamples; ++i) {
    moved += std::abs(static_cast<double>(order[i]) - static_cast<double>(i));
  }
  EXPECT_NEAR(moved / kSamples / kSamples, 1.0 / 3, 0.05);
}

TEST(ShuffleOrder, DiffersByEpochAndBySeed) {
  std::set<std::vector<uint64_t>> orders;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    for (uint64_t epoch = 0; epoch < 5; ++epoch) orders.insert(Order(600, seed, epoch, 256));
  }
  EXPECT_EQ(orders.size(), 25u);
}

}  // namespace
}  // namespace augstore
