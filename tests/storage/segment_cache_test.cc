#include "storage/segment_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace augstore {
namespace {

constexpr uint32_t kDim = 4;
constexpr uint64_t kBytes = 256 * kDim * sizeof(float);

std::shared_ptr<const Segment> Make() {
  auto segment = std::make_shared<Segment>();
  segment->data.reset(TakeBlock(256 * kDim * sizeof(float)));
  segment->rows = 256;
  segment->dim = kDim;
  return segment;
}

TEST(SegmentCache, DropsTheOldestThatWasNotRead) {
  SegmentCache cache(3 * kBytes);
  for (uint64_t i = 0; i < 3; ++i) cache.Insert({1, i}, Make());
  EXPECT_EQ(cache.resident_bytes(), 3 * kBytes);
  EXPECT_NE(cache.Find({1, 0}), nullptr);
  cache.Insert({1, 3}, Make());
  EXPECT_EQ(cache.Find({1, 1}), nullptr);
  EXPECT_NE(cache.Find({1, 0}), nullptr);
  EXPECT_NE(cache.Find({1, 3}), nullptr);
  EXPECT_EQ(cache.Find({2, 0}), nullptr);
  EXPECT_EQ(cache.resident_bytes(), 3 * kBytes);
}

TEST(SegmentCache, MakesRoomWhenEverythingWasRead) {
  SegmentCache cache(2 * kBytes);
  for (uint64_t i = 0; i < 10; ++i) {
    cache.Insert({1, i}, Make());
    EXPECT_NE(cache.Find({1, i}), nullptr);
    EXPECT_LE(cache.resident_bytes(), 2 * kBytes);
  }
}

TEST(SegmentCache, KeepsTheFirstOfTwo) {
  SegmentCache cache(2 * kBytes);
  const auto first = Make();
  cache.Insert({1, 1}, first);
  cache.Insert({1, 1}, Make());
  EXPECT_EQ(cache.Find({1, 1}), first);
  EXPECT_EQ(cache.resident_bytes(), kBytes);
}

TEST(SegmentCache, HoldsNothingThatIsLargerThanItsBudget) {
  SegmentCache cache(kBytes - 1);
  cache.Insert({1, 1}, Make());
  EXPECT_EQ(cache.Find({1, 1}), nullptr);
  EXPECT_EQ(cache.resident_bytes(), 0u);
}

TEST(SegmentCache, StaysWithinItsBudgetUnderManyThreads) {
  SegmentCache cache(8 * kBytes);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 2000; ++i) {
        const SegmentId id{1, (i * (t + 3)) % 20};
        if (cache.Find(id) == nullptr) cache.Insert(id, Make());
        EXPECT_LE(cache.resident_bytes(), 8 * kBytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace augstore
