#include "server/metrics/minute_history.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

using std::chrono::seconds;

const MinuteHistory::Clock::time_point kStart{};

TEST(MinuteHistoryTest, HasTheGrowthOfEachMinuteAndOfTheOneThatGoesOn) {
  MinuteHistory history(kStart);
  history.Note(kStart, {});
  EXPECT_FALSE(history.IsDue(kStart + seconds(59)));
  history.Note(kStart + seconds(59), {.rows = 1000});
  EXPECT_TRUE(history.IsDue(kStart + seconds(60)));
  history.Note(kStart + seconds(60), {.rows = 100, .requests = 3});
  const auto json = history.ToJson({.rows = 150, .requests = 4, .wait_for_client_s = 0.5});
  EXPECT_EQ(json["step_s"], 60);
  EXPECT_EQ(json["rows"].dump(), "[100,50]");
  EXPECT_EQ(json["requests"].dump(), "[3,1]");
  EXPECT_EQ(json["wait_for_client_s"].dump(), "[0.0,0.5]");
}

TEST(MinuteHistoryTest, ForgetsWhatIsOlderThanAnHour) {
  MinuteHistory history(kStart);
  for (uint64_t minute = 0; minute < 100; ++minute) {
    history.Note(kStart + seconds(60 * minute), {.rows = minute});
  }
  const auto json = history.ToJson({.rows = 105});
  ASSERT_EQ(json["rows"].size(), MinuteHistory::kMost);
  EXPECT_EQ(json["rows"][0], 1);
  EXPECT_EQ(json["rows"].back(), 6);
}

TEST(MinuteHistoryTest, CountsMinutesThatWereMissedAsOne) {
  MinuteHistory history(kStart);
  history.Note(kStart, {});
  history.Note(kStart + seconds(600), {.rows = 7});
  EXPECT_FALSE(history.IsDue(kStart + seconds(630)));
  EXPECT_EQ(history.ToJson({.rows = 7})["rows"].dump(), "[7,0]");
}

TEST(MinuteHistoryTest, IsEmptyBeforeItsServerBegins) {
  EXPECT_EQ(MinuteHistory(kStart).ToJson({.rows = 7})["rows"].dump(), "[]");
}

}  // namespace
}  // namespace augstore
