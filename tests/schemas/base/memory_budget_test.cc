#include "schemas/base/memory_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace augstore {
namespace {

TEST(MemoryBudget, TakesNoMoreThanThereIs) {
  MemoryBudget budget(100, "tests");
  auto first = budget.Take(60);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(budget.Take(41).has_value());
  {
    const auto second = budget.Take(40);
    EXPECT_TRUE(second.has_value());
    EXPECT_EQ(budget.taken(), 100u);
  }
  EXPECT_EQ(budget.taken(), 60u);
  first.reset();
  EXPECT_EQ(budget.taken(), 0u);
  EXPECT_EQ(budget.CheckFits(101, "x").code(), Code::kResourceExhausted);
  EXPECT_TRUE(budget.CheckFits(100, "x").ok());
}

TEST(MemoryBudget, HasNoLimitWhenItIsZero) {
  MemoryBudget budget(0, "tests");
  const auto share = budget.Take(uint64_t{1} << 60);
  EXPECT_TRUE(share.has_value());
  EXPECT_TRUE(budget.CheckFits(~uint64_t{0}, "x").ok());
}

TEST(MemoryBudget, ResumesThoseWhoWaitWhenBytesAreReturned) {
  MemoryBudget budget(100, "tests");
  auto share = budget.Take(100);
  int resumed = 0;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(budget.Take(50, [&] { ++resumed; }).has_value());
  EXPECT_TRUE(budget.is_short());
  EXPECT_EQ(resumed, 0);
  share.reset();
  EXPECT_EQ(resumed, 3);
  EXPECT_FALSE(budget.is_short());
}

TEST(MemoryBudget, ResumesThoseWhoWaitWhenItIsTold) {
  MemoryBudget budget(100, "tests");
  const auto share = budget.Take(100);
  int resumed = 0;
  EXPECT_FALSE(budget.Take(50, [&] { ++resumed; }).has_value());
  budget.ResumeWaiting();
  budget.ResumeWaiting();
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(budget.taken(), 100u);
}

TEST(MemoryBudget, DropsWhatIsKeptWithoutNeedBeforeItRefuses) {
  std::vector<MemoryBudget::Share> kept;
  MemoryBudget budget(100, "tests", [&kept] {
    if (kept.empty()) return false;
    kept.pop_back();
    return true;
  });
  for (int i = 0; i < 5; ++i) kept.push_back(budget.TakeNow(20, "x").value());
  const auto share = budget.TakeNow(30, "x");
  EXPECT_TRUE(share.ok());
  EXPECT_EQ(kept.size(), 3u) << "no more than had to go";
  const Status refused = budget.TakeNow(101, "a table").status();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_NE(refused.message().find("a table"), std::string::npos);
  EXPECT_EQ(budget.taken(), 30u);
}

TEST(MemoryBudget, AShareReturnsWhatItDoesNotNeed) {
  MemoryBudget budget(100, "tests");
  auto share = budget.TakeNow(100, "x").value();
  int resumed = 0;
  EXPECT_FALSE(budget.Take(60, [&] { ++resumed; }).has_value());
  share.ShrinkTo(40);
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(budget.taken(), 40u);
}

TEST(MemoryBudget, CountsABodyUntilItsLastOwnerIsGone) {
  MemoryBudget budget(100, "tests");
  SharedBytes body = WithShare(SharedBytes::FromString("bytes"), *budget.Take(30));
  const SharedBytes other = body;
  body = {};
  EXPECT_EQ(other.text(), "bytes");
  EXPECT_EQ(budget.taken(), 30u);
}

TEST(MemoryBudget, ReturnsEverythingFromManyThreads) {
  MemoryBudget budget(1000, "tests");
  std::atomic<uint64_t> taken = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (const auto share = budget.Take(1 + static_cast<uint64_t>(i) % 400)) ++taken;
        EXPECT_LE(budget.taken(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(taken, 0u);
  EXPECT_EQ(budget.taken(), 0u);
}

}  // namespace
}  // namespace augstore
