#include "server/cache/batch_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace augstore {
namespace {

BatchKey Key(uint64_t step, uint32_t rank = 0) {
  return {.fingerprint = {}, .rank = rank, .epoch = 0, .step = step};
}

// A builder that counts its calls and gives `bytes` bytes of one letter.
struct Builder {
  std::atomic<int> calls{0};
  BatchCache::Build Of(size_t bytes, char letter = 'a') {
    return [this, bytes, letter]() -> Result<SharedBytes> {
      ++calls;
      return SharedBytes::FromString(std::string(bytes, letter));
    };
  }
};

// Waits where a server would do something else.
Result<SharedBytes> GetNow(BatchCache& cache, const BatchKey& key, const BatchCache::Build& build) {
  for (;;) {
    std::promise<void> again;
    if (auto got = cache.Get(key, build, [&] { again.set_value(); })) return *std::move(got);
    again.get_future().wait();
  }
}

TEST(BatchCacheTest, BuildsABatchOnceAndSharesItsMemory) {
  BatchCache cache(1000);
  Builder builder;
  const auto first = GetNow(cache, Key(1), builder.Of(100));
  const auto second = GetNow(cache, Key(1), builder.Of(100));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(builder.calls, 1);
  EXPECT_EQ(first->bytes.data(), second->bytes.data());
  EXPECT_EQ(cache.resident_bytes(), 100u);
}

TEST(BatchCacheTest, TellsStreamsRanksEpochsAndStepsApart) {
  BatchCache cache(1000);
  Builder builder;
  BatchKey other_stream = Key(1);
  other_stream.fingerprint.bytes[0] = 1;
  BatchKey other_epoch = Key(1);
  other_epoch.epoch = 1;
  for (const BatchKey& key : {Key(1), Key(2), Key(1, 1), other_stream, other_epoch}) {
    EXPECT_TRUE(GetNow(cache, key, builder.Of(10)).ok());
  }
  EXPECT_EQ(builder.calls, 5);
}

TEST(BatchCacheTest, TheOldestMakesPlaceWithinTheBudget) {
  BatchCache cache(250);
  Builder builder;
  for (uint64_t step = 0; step < 3; ++step)
    EXPECT_TRUE(GetNow(cache, Key(step), builder.Of(100)).ok());
  EXPECT_EQ(cache.resident_bytes(), 200u);
  EXPECT_TRUE(GetNow(cache, Key(2), builder.Of(100)).ok());
  EXPECT_TRUE(GetNow(cache, Key(1), builder.Of(100)).ok());
  EXPECT_EQ(builder.calls, 3);
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(100)).ok());
  EXPECT_EQ(builder.calls, 4);
}

TEST(BatchCacheTest, ABatchLargerThanTheBudgetIsGivenAndNotKept) {
  BatchCache cache(50);
  Builder builder;
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(51)).ok());
  const auto again = GetNow(cache, Key(0), builder.Of(51));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->bytes.size(), 51u);
  EXPECT_EQ(builder.calls, 2);
  EXPECT_EQ(cache.resident_bytes(), 0u);
}

TEST(BatchCacheTest, WithoutABudgetEveryCallBuilds) {
  BatchCache cache(0);
  Builder builder;
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(1)).ok());
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(1)).ok());
  EXPECT_EQ(builder.calls, 2);
}

TEST(BatchCacheTest, AFailureIsGivenAndForgotten) {
  BatchCache cache(1000);
  const auto failed =
      GetNow(cache, Key(0), []() -> Result<SharedBytes> { return DataLoss("row 7 is damaged"); });
  EXPECT_EQ(failed.status().ToString(), "DataLoss: row 7 is damaged");
  Builder builder;
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(1)).ok());
  EXPECT_EQ(builder.calls, 1);
}

TEST(BatchCacheTest, AnExceptionIsPassedOnAndForgotten) {
  BatchCache cache(1000);
  EXPECT_THROW((void)GetNow(cache, Key(0), []() -> Result<SharedBytes> { throw std::bad_alloc(); }),
               std::bad_alloc);
  Builder builder;
  EXPECT_TRUE(GetNow(cache, Key(0), builder.Of(1)).ok());
  EXPECT_EQ(builder.calls, 1);
}

TEST(BatchCacheTest, WhoAsksWhileABatchIsBuiltWaitsForIt) {
  BatchCache cache(1000);
  constexpr int kThreads = 8;
  std::atomic<int> calls{0};
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      const auto body = GetNow(cache, Key(0), [&]() -> Result<SharedBytes> {
        ++calls;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return SharedBytes::FromString("built");
      });
      if (body.ok() && body->text() == "built") ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(right, kThreads);
}

TEST(BatchCacheTest, HoldsNobodyUpWhileABatchIsBuilt) {
  BatchCache cache(1000);
  Builder builder;
  int resumed = 0;
  const auto resume = [&] { ++resumed; };
  const auto body = cache.Get(
      Key(0),
      [&]() -> Result<SharedBytes> {
        EXPECT_FALSE(cache.Get(Key(0), builder.Of(1), resume).has_value());
        EXPECT_FALSE(cache.Get(Key(0), builder.Of(1), resume).has_value());
        EXPECT_TRUE(cache.Get(Key(1), builder.Of(1), resume).has_value());
        EXPECT_EQ(resumed, 0);
        return SharedBytes::FromString("built");
      },
      resume);
  EXPECT_TRUE(body.has_value() && body->ok());
  EXPECT_EQ(resumed, 2);
  EXPECT_EQ(cache.Get(Key(0), builder.Of(1), resume)->value().text(), "built");
  EXPECT_EQ(builder.calls, 1);
}

TEST(BatchCacheTest, AWaiterBuildsWhatTheFirstOneCouldNot) {
  BatchCache cache(1000);
  Builder builder;
  int resumed = 0;
  const auto resume = [&] { ++resumed; };
  for (const bool throws : {false, true}) {
    resumed = 0;
    const auto fail = [&]() -> Result<SharedBytes> {
      EXPECT_FALSE(cache.Get(Key(throws ? 1 : 0), builder.Of(1), resume).has_value());
      if (throws) throw std::bad_alloc();
      return Unavailable("the device does not answer");
    };
    if (throws) {
      EXPECT_THROW((void)cache.Get(Key(1), fail, resume), std::bad_alloc);
    } else {
      EXPECT_FALSE(cache.Get(Key(0), fail, resume)->ok());
    }
    EXPECT_EQ(resumed, 1);
    EXPECT_TRUE(cache.Get(Key(throws ? 1 : 0), builder.Of(1), resume)->ok());
  }
  EXPECT_EQ(builder.calls, 2);
}

TEST(BatchCacheTest, ManyThreadsOverFewBatchesGetTheRightOnesWithinTheBudget) {
  BatchCache cache(300);  // three of the eight
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Builder builder;
      for (uint64_t i = 0; i < 500; ++i) {
        const uint64_t step = (i * 5 + t) % 8;
        const char letter = static_cast<char>('a' + step);
        const auto body = GetNow(cache, Key(step), builder.Of(100, letter));
        if (!body.ok() || body->text() != std::string(100, letter)) ++wrong;
        if (cache.resident_bytes() > cache.budget_bytes()) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace augstore
