#include "server/metrics/histogram.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace augstore {
namespace {

TEST(HistogramTest, PutsADurationIntoTheFirstBucketThatReachesIt) {
  Histogram histogram;
  const auto bucket_of = [&](std::chrono::nanoseconds time) {
    const auto before = histogram.counts();
    histogram.Observe(time);
    const auto after = histogram.counts();
    for (size_t i = 0; i < after.size(); ++i) {
      if (after[i] != before[i]) return i;
    }
    return after.size();
  };
  EXPECT_EQ(bucket_of(std::chrono::nanoseconds(0)), 0u);
  EXPECT_EQ(bucket_of(std::chrono::microseconds(100)), 0u) << "a bound belongs to its bucket";
  EXPECT_EQ(bucket_of(std::chrono::microseconds(101)), 1u);
  EXPECT_EQ(bucket_of(std::chrono::seconds(60)), Histogram::kBounds.size() - 1);
  EXPECT_EQ(bucket_of(std::chrono::hours(1)), Histogram::kBounds.size()) << "beyond all bounds";
  EXPECT_NEAR(histogram.seconds(), 3660.000201, 1e-9);
}

TEST(HistogramTest, LosesNoObservationOfSeveralThreads) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) histogram.Observe(std::chrono::microseconds(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t all = 0;
  for (const uint64_t count : histogram.counts()) all += count;
  EXPECT_EQ(all, 20'000u);
  EXPECT_NEAR(histogram.seconds(), 2.0 * 4999 * 5000 * 1e-6, 1e-6);
}

}  // namespace
}  // namespace augstore
