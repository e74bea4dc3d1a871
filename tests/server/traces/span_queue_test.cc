#include "server/traces/span_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace augstore {
namespace {

using std::chrono::milliseconds;

Span Named(const std::string& name) {
  Span span;
  span.name = name;
  return span;
}

TEST(SpanQueue, HandsOverTheOldestFirstAndNoMoreThanWasAskedFor) {
  SpanQueue queue(10);
  for (const char* name : {"a", "b", "c"}) queue.Push(Named(name));
  const auto two = queue.Take(2, milliseconds(0));
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].name, "a");
  EXPECT_EQ(queue.Take(2, milliseconds(0)).at(0).name, "c");
  EXPECT_EQ(queue.lost(), 0u);
}

TEST(SpanQueue, LosesAndCountsTheOldestWhenItIsFull) {
  SpanQueue queue(2);
  for (const char* name : {"a", "b", "c", "d", "e"}) queue.Push(Named(name));
  EXPECT_EQ(queue.lost(), 3u);
  EXPECT_EQ(queue.Take(9, milliseconds(0)).at(0).name, "d");
  queue.CountLost(2);
  EXPECT_EQ(queue.lost(), 5u);
}

TEST(SpanQueue, WaitsForASpanAndThenForMoreOfThem) {
  SpanQueue queue(10);
  std::thread other([&] {
    for (const char* name : {"a", "b", "c"}) queue.Push(Named(name));
  });
  EXPECT_EQ(queue.Take(3, std::chrono::hours(1)).size(), 3u);
  other.join();
}

TEST(SpanQueue, HandsOverWhatItHasWhenItIsStoppedAndThenNothing) {
  SpanQueue queue(10);
  queue.Push(Named("a"));
  std::thread other([&] { queue.Stop(); });
  EXPECT_EQ(queue.Take(3, std::chrono::hours(1)).size(), 1u);
  EXPECT_TRUE(queue.Take(3, std::chrono::hours(1)).empty());
  queue.Sleep(std::chrono::hours(1));
  other.join();
}

}  // namespace
}  // namespace augstore
