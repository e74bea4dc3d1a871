#include "server/cache/recently_used.h"

#include <gtest/gtest.h>

#include <string>

namespace augstore {
namespace {

using Cache = RecentlyUsed<int, std::string>;

Cache::Pointer Value(const std::string& text) { return std::make_shared<const std::string>(text); }

TEST(RecentlyUsed, DropsTheValueThatWasUsedLongestAgo) {
  Cache cache(2);
  cache.Insert(1, Value("one"));
  cache.Insert(2, Value("two"));
  ASSERT_NE(cache.Find(1), nullptr);
  cache.Insert(3, Value("three"));
  EXPECT_EQ(cache.Find(2), nullptr);
  EXPECT_EQ(*cache.Find(1), "one");
  EXPECT_EQ(*cache.Find(3), "three");
}

TEST(RecentlyUsed, ReplacesTheValueOfAKey) {
  Cache cache(2);
  cache.Insert(1, Value("one"));
  cache.Insert(2, Value("two"));
  cache.Insert(1, Value("uno"));
  EXPECT_EQ(*cache.Find(1), "uno");
  EXPECT_NE(cache.Find(2), nullptr);
}

TEST(RecentlyUsed, FindsAValueByWhatItIsWithoutUsingIt) {
  Cache cache(2);
  cache.Insert(1, Value("one"));
  cache.Insert(2, Value("two"));
  const auto is_one = [](const std::string& value) { return value == "one"; };
  EXPECT_EQ(*cache.FindIf(is_one), "one");
  cache.Insert(3, Value("three"));
  EXPECT_EQ(cache.FindIf(is_one), nullptr);
}

TEST(RecentlyUsed, LeavesAValueThatWasDroppedToItsHolders) {
  Cache cache(1);
  cache.Insert(1, Value("one"));
  const Cache::Pointer held = cache.Find(1);
  cache.Insert(2, Value("two"));
  EXPECT_EQ(*held, "one");
}

}  // namespace
}  // namespace augstore
