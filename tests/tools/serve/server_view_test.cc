#include "tools/serve/server_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

using ::testing::HasSubstr;

// As a server says it: `seconds` after its start, with one stream that has had `rows`.
Json StatsAfter(double seconds, uint64_t rows, double server, double client) {
  return {{"address", "tcp://127.0.0.1:1"},
          {"uptime_s", seconds},
          {"connections", 2},
          {"requests", {{"Batches", rows / 100}, {"Stats", 3}}},
          {"batches", rows / 100},
          {"rows", rows},
          {"bytes", rows * 2048},
          {"stages_s",
           {{"store", seconds / 10},
            {"transform", seconds / 2},
            {"encode", seconds / 100},
            {"wait_for_server", server},
            {"wait_for_client", client}}},
          {"streams", Json::array({{{"who", "key a"},
                                    {"peer", "tcp 127.0.0.1:2"},
                                    {"collection", "photos@1"},
                                    {"policy", "identity:1,vflip:1"},
                                    {"fingerprint", "f"},
                                    {"rank", 0},
                                    {"world_size", 1},
                                    {"epoch", 1},
                                    {"step", 5},
                                    {"steps", 80},
                                    {"rows", rows},
                                    {"idle_s", 0},
                                    {"wait_for_server_s", server},
                                    {"wait_for_client_s", client}}})}};
}

TEST(ServerViewTest, SaysWhatHappenedInASecond) {
  const auto view = CompareStats(StatsAfter(10, 1000, 1, 1), StatsAfter(12, 5000, 2.6, 1.2));
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_DOUBLE_EQ((*view)["rows_per_s"].get<double>(), 2000);
  EXPECT_DOUBLE_EQ((*view)["batches_per_s"].get<double>(), 20);
  EXPECT_DOUBLE_EQ((*view)["requests_per_s"].get<double>(), 20);
  EXPECT_DOUBLE_EQ((*view)["stages"]["transform"].get<double>(), 0.5);
  ASSERT_EQ((*view)["streams"].size(), 1u);
  EXPECT_DOUBLE_EQ((*view)["streams"][0]["rows_per_s"].get<double>(), 2000);
  EXPECT_NEAR((*view)["streams"][0]["wait_for_server"].get<double>(), 0.8, 1e-9);
  const std::string text = ServerViewText(*view);
  EXPECT_THAT(text, HasSubstr("2.00k rows/s"));
  EXPECT_THAT(text, HasSubstr("its workers spend 82 % of theirs on 'transform'"));
  EXPECT_THAT(text, HasSubstr("identity:1,vflip:1"));
  EXPECT_THAT(text, HasSubstr("server 89 %"));
}

TEST(ServerViewTest, NamesWhoIsTheBottleneck) {
  const Json stages = {{"store", 0.6}, {"transform", 0.3}, {"encode", 0.1}};
  EXPECT_THAT(BottleneckText({{"server", 0.1}, {"client", 0.9}}, stages),
              HasSubstr("wait for their clients or the network (90 %"));
  EXPECT_THAT(
      BottleneckText({{"server", 0.9}, {"client", 0.1}}, stages),
      HasSubstr("wait for the server (90 % of the time): its workers spend 60 % of theirs on "
                "'store'"));
  EXPECT_THAT(BottleneckText({{"server", 0.0}, {"client", 0.001}}, stages),
              HasSubstr("nothing to do"));
}

TEST(ServerViewTest, CountsAStreamThatHasJustBegunFromNothing) {
  Json before = StatsAfter(10, 0, 0, 0);
  before["streams"] = Json::array();
  const auto view = CompareStats(before, StatsAfter(11, 300, 0.5, 0.5));
  ASSERT_TRUE(view.ok());
  EXPECT_DOUBLE_EQ((*view)["streams"][0]["rows_per_s"].get<double>(), 300);
}

TEST(ServerViewTest, RefusesAServerThatWasRestartedAndWhatIsNone) {
  EXPECT_EQ(CompareStats(StatsAfter(10, 1, 0, 0), StatsAfter(2, 1, 0, 0)).status().message(),
            "the server was restarted");
  Json none = StatsAfter(10, 1, 0, 0);
  none["address"] = "";
  EXPECT_THAT(CompareStats(none, none).status().message(), HasSubstr("name one with --connect"));
  const Json scoped = {{"version", "0.1.0"}, {"collections", 1}};
  EXPECT_EQ(CompareStats(scoped, scoped).status().code(), Code::kPermissionDenied);
}

}  // namespace
}  // namespace augstore
