#include "server/sockets/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { ConfigureLog(LogFormat::kText, "info"); }
  // What is written to standard error meanwhile.
  template <typename Write>
  static std::string Written(const Write& write) {
    ::testing::internal::CaptureStderr();
    write();
    Log().flush();
    return ::testing::internal::GetCapturedStderr();
  }
  static StreamDescription OfPhotos() {
    StreamDescription of;
    of.who = "key k";
    of.peer = "tcp 10.0.0.1:5";
    of.collection = "photos@3";
    of.policy = "identity:1";
    return of;
  }
};

TEST_F(LogTest, WritesALineOfJsonForEachMessage) {
  ConfigureLog(LogFormat::kJson, "info");
  const auto line = nlohmann::json::parse(Written([] { Log().warn("a \"b\"\n\xff"); }));
  EXPECT_EQ(line["level"], "warning");
  EXPECT_THAT(line["message"].get<std::string>(), HasSubstr("a \"b\"\n"));
  EXPECT_TRUE(line["time"].get<std::string>().ends_with("Z"));
  EXPECT_EQ(line["time"].get<std::string>().size(), 24u) << line["time"];
}

TEST_F(LogTest, TellsAStreamWithItsFields) {
  StreamActivity stream(1, OfPhotos());
  stream.rows = 1000;
  stream.wait_for_client.Add(std::chrono::milliseconds(1500));
  stream.last = stream.began + std::chrono::seconds(2);
  ConfigureLog(LogFormat::kJson, "info");
  const auto line = nlohmann::json::parse(Written([&] { LogStream(stream); }));
  EXPECT_EQ(line["event"], "stream");
  EXPECT_EQ(line["collection"], "photos@3");
  EXPECT_EQ(line["rows_per_s"], 500.0);
  EXPECT_EQ(line["wait_for_client_s"], 1.5);
  ConfigureLog(LogFormat::kText, "info");
  EXPECT_THAT(Written([&] { LogStream(stream); }),
              HasSubstr("1000 rows in 2.0 s (500/s), waited 0.0 s for the server and 1.5 s for the "
                        "client"));
}

TEST_F(LogTest, TellsTheTraceOfAStream) {
  StreamDescription of = OfPhotos();
  of.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const StreamActivity stream(1, of);
  ConfigureLog(LogFormat::kJson, "info");
  const auto line = nlohmann::json::parse(Written([&] { LogStream(stream); }));
  EXPECT_EQ(line["trace_id"], of.trace_id);
  ConfigureLog(LogFormat::kText, "info");
  EXPECT_THAT(Written([&] { LogStream(stream); }), HasSubstr(", trace " + of.trace_id));
  of.trace_id = "";
  const StreamActivity untraced(2, of);
  EXPECT_THAT(Written([&] { LogStream(untraced); }), Not(HasSubstr("trace")));
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  ConfigureLog(LogFormat::kJson, "error");
  EXPECT_EQ(Written([] { Log().warn("x"); }), "");
}

}  // namespace
}  // namespace augstore
