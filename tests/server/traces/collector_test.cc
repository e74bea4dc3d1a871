#include "server/traces/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_collector.h"

namespace augstore {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

const auto kNever = [] { return false; };

TEST(Collector, IsReadFromItsAddress) {
  EXPECT_EQ(ParseCollector("http://127.0.0.1:4318/v1/traces").value(),
            (Collector{"127.0.0.1", 4318, "/v1/traces"}));
  EXPECT_EQ(ParseCollector("http://[::1]:4318/a?b=c").value(), (Collector{"::1", 4318, "/a?b=c"}));
  for (const char* url : {"http://otel.lan:4318/v1/traces", "http://[::1]:4318/v1/traces"}) {
    EXPECT_EQ(ParseCollector(url)->ToString(), url);
  }
}

TEST(Collector, RefusesWhatIsNoAddressOfOneAndNamesIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "is no address in http"},
      {"127.0.0.1:4318", "is no address in http"},
      {"https://a:4318/v1/traces", "is in https"},
      {"http://a:4318", "has no path"},
      {"http://a/v1/traces", "has no port"},
      {"http://[::1]/v1/traces", "has no port"},
      {"http://:4318/v1/traces", "has no such host and port"},
      {"http://user@a:4318/v1/traces", "has no such host and port"},
      {"http://a:99999/v1/traces", "has no such host and port"},
      {"http://a:0/v1/traces", "has no such host and port"},
      {"http://a:4318/v1 HTTP/1.1\r\nX: y", "has a path of other characters"}};
  for (const auto& [url, why] : cases) {
    const auto parsed = ParseCollector(url);
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument) << url;
    EXPECT_THAT(parsed.status().message(), HasSubstr(why)) << url;
    EXPECT_THAT(parsed.status().message(), HasSubstr("http://HOST:4318/v1/traces"));
  }
}

TEST(Collector, GetsJsonAndSaysWhatItThinksOfIt) {
  TestCollector collector;
  EXPECT_EQ(
      PostJson(collector.address(), R"({"resourceSpans":[]})", milliseconds(5000), kNever).value(),
      200);
  ASSERT_EQ(collector.heads().size(), 1u);
  EXPECT_THAT(collector.heads()[0], HasSubstr("POST /v1/traces HTTP/1.1\r\n"));
  EXPECT_THAT(collector.heads()[0], HasSubstr("Content-Type: application/json\r\n"));
  collector.AnswerWith(503);
  EXPECT_EQ(PostJson(collector.address(), "{}", milliseconds(5000), kNever).value(), 503);
}

TEST(Collector, ThatIsGoneIsUnavailable) {
  const Collector gone = TestCollector().address();
  EXPECT_EQ(PostJson(gone, "{}", milliseconds(5000), kNever).status().code(), Code::kUnavailable);
}

TEST(Collector, ThatIsSilentIsGivenUp) {
  TestCollector collector(TestCollector::kSilent);
  EXPECT_EQ(PostJson(collector.address(), "{}", milliseconds(100), kNever).status().code(),
            Code::kDeadlineExceeded);
  // One that must end does not wait as long.
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(
      PostJson(collector.address(), "{}", std::chrono::hours(1), [] { return true; }).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::minutes(1));
}

}  // namespace
}  // namespace augstore
