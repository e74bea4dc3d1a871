#include "storage/store/segment_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace augstore {
namespace {

constexpr uint32_t kDim = 4;
constexpr uint64_t kBytes = 256 * kDim * sizeof(float);

// All of its values are `value`.
std::shared_ptr<const Segment> Make(float value = 0) {
  auto segment = std::make_shared<Segment>();
  segment->data.reset(TakeBlock(kBytes));
  std::fill_n(reinterpret_cast<float*>(segment->data.get()), 256 * kDim, value);
  segment->rows = 256;
  segment->dim = kDim;
  return segment;
}

class SegmentCacheTest : public testing::Test {
 protected:
  static const Segment* Find(SegmentCache& cache, const SegmentDirectory& directory,
                             uint64_t number) {
    return SegmentCache::Reader(&cache).Find(directory, number);
  }
  SegmentDirectory directory_;
  SegmentDirectory other_;
};

TEST_F(SegmentCacheTest, DropsTheOldestThatWasNotReadSinceItWasLastConsidered) {
  SegmentCache cache(3 * kBytes);
  for (uint64_t i = 0; i < 4; ++i) cache.Insert(&directory_, i, Make());
  EXPECT_EQ(cache.resident_bytes(), 3 * kBytes);
  EXPECT_EQ(Find(cache, directory_, 0), nullptr);  // all were new, so the oldest went
  EXPECT_NE(Find(cache, directory_, 1), nullptr);
  cache.Insert(&directory_, 4, Make());
  EXPECT_EQ(Find(cache, directory_, 2), nullptr);
  EXPECT_NE(Find(cache, directory_, 1), nullptr);
  EXPECT_NE(Find(cache, directory_, 3), nullptr);
  EXPECT_NE(Find(cache, directory_, 4), nullptr);
  EXPECT_EQ(Find(cache, other_, 0), nullptr);
  EXPECT_EQ(cache.resident_bytes(), 3 * kBytes);
}

TEST_F(SegmentCacheTest, LetsGoOfASegmentThatDoesNotExistAnyMore) {
  SegmentCache cache(3 * kBytes);
  for (uint64_t i = 0; i < 3; ++i) cache.Insert(&directory_, i, Make(static_cast<float>(i)));
  const auto kept = cache.Share(directory_, 1);
  cache.Drop(directory_, 1);
  cache.Drop(directory_, 1);
  cache.Drop(directory_, 77);
  cache.Drop(other_, 0);
  EXPECT_EQ(Find(cache, directory_, 1), nullptr);
  EXPECT_NE(Find(cache, directory_, 0), nullptr);
  EXPECT_NE(Find(cache, directory_, 2), nullptr);
  EXPECT_EQ(cache.resident_bytes(), 2 * kBytes);
  EXPECT_EQ(reinterpret_cast<const float*>(kept->data.get())[5], 1.0f) << "whoever has it keeps it";
}

// As a stream in windows does: each window is brought in, segment by segment, while the one before
// is read.
TEST_F(SegmentCacheTest, KeepsWhatIsReadAheadUntilItIsRead) {
  constexpr uint64_t kWindow = 64;
  for (const uint64_t tenths : {20u, 22u, 25u, 28u, 30u}) {
    SegmentCache cache(kWindow * tenths / 10 * kBytes);
    for (uint64_t i = 0; i < kWindow; ++i) cache.Insert(&directory_, i, Make());
    for (uint64_t window = 0; window < 10; ++window) {
      for (uint64_t step = 0; step < kWindow; ++step) {
        cache.Insert(&directory_, (window + 1) * kWindow + step, Make());
        for (uint64_t i = 0; i < kWindow; ++i) {
          ASSERT_NE(Find(cache, directory_, window * kWindow + (step * 37 + i * 11) % kWindow),
                    nullptr)
              << tenths << " " << window << " " << step;
        }
      }
    }
  }
}

TEST_F(SegmentCacheTest, MakesRoomWhenEverythingWasRead) {
  SegmentCache cache(2 * kBytes);
  for (uint64_t i = 0; i < 10; ++i) {
    cache.Insert(&directory_, i, Make());
    EXPECT_NE(Find(cache, directory_, i), nullptr);
    EXPECT_LE(cache.resident_bytes(), 2 * kBytes);
  }
}

TEST_F(SegmentCacheTest, KeepsTheFirstOfTwo) {
  SegmentCache cache(2 * kBytes);
  const auto first = Make();
  cache.Insert(&directory_, 1, first);
  cache.Insert(&directory_, 1, Make());
  EXPECT_EQ(Find(cache, directory_, 1), first.get());
  EXPECT_EQ(cache.Share(directory_, 1), first);
  EXPECT_EQ(cache.Share(directory_, 2), nullptr);
  EXPECT_EQ(cache.resident_bytes(), kBytes);
}

TEST_F(SegmentCacheTest, HoldsNothingThatIsLargerThanItsBudget) {
  SegmentCache cache(kBytes - 1);
  cache.Insert(&directory_, 1, Make());
  EXPECT_EQ(Find(cache, directory_, 1), nullptr);
  EXPECT_EQ(cache.resident_bytes(), 0u);
}

TEST_F(SegmentCacheTest, FindsHighNumbersAndNothingBeyondThem) {
  SegmentCache cache(8 * kBytes);
  const std::vector<uint64_t> numbers = {0, 1023, 1024, 3071, 3072, 1u << 20};
  for (const uint64_t number : numbers) cache.Insert(&directory_, number, Make());
  for (const uint64_t number : numbers) EXPECT_NE(Find(cache, directory_, number), nullptr);
  for (const uint64_t number :
       {uint64_t{1}, uint64_t{1022}, uint64_t{1025}, (uint64_t{1} << 20) + 1,
        SegmentDirectory::kMostNumber, ~uint64_t{0}}) {
    EXPECT_EQ(Find(cache, directory_, number), nullptr) << number;
  }
}

TEST_F(SegmentCacheTest, FreesWhatItDroppedOnceItsReadersAreGone) {
  SegmentCache cache(kBytes);
  std::weak_ptr<const Segment> dropped;
  {
    auto first = Make(7);
    dropped = first;
    cache.Insert(&directory_, 0, std::move(first));
  }
  std::optional<SegmentCache::Reader> reader(&cache);
  const Segment* found = reader->Find(directory_, 0);
  ASSERT_NE(found, nullptr);
  // Another thread, as no thread inserts while it reads.
  std::thread([&] { cache.Insert(&directory_, 1, Make()); }).join();
  EXPECT_EQ(reader->Find(directory_, 0), nullptr);
  EXPECT_FALSE(dropped.expired());
  EXPECT_EQ(*reinterpret_cast<const float*>(found->row(9).data()), 7);
  reader.reset();
  cache.Insert(&directory_, 2, Make());
  EXPECT_TRUE(dropped.expired());
}

TEST_F(SegmentCacheTest, GivesMoreReadersThanItHasMarksTheirTurn) {
  SegmentCache cache(2 * kBytes);
  cache.Insert(&directory_, 0, Make(3));
  std::atomic<int> found = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 100; ++t) {
    threads.emplace_back([&] {
      const SegmentCache::Reader reader(&cache);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      found += reader.Find(directory_, 0) != nullptr ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, 100);
}

TEST_F(SegmentCacheTest, StaysWithinItsBudgetAndTrueUnderManyThreads) {
  SegmentCache cache(8 * kBytes);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 2000; ++i) {
        const uint64_t number = (i * (t + 3)) % 20;
        bool held = false;
        {
          const SegmentCache::Reader reader(&cache);
          if (const Segment* segment = reader.Find(directory_, number); segment != nullptr) {
            held = true;
            const auto* values = reinterpret_cast<const float*>(segment->data.get());
            wrong +=
                std::count(values, values + 256 * kDim, static_cast<float>(number)) == 256 * kDim
                    ? 0
                    : 1;
          }
        }
        if (!held) cache.Insert(&directory_, number, Make(static_cast<float>(number)));
        if (cache.resident_bytes() > 8 * kBytes) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace augstore
