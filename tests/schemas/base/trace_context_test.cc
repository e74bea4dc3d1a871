#include "schemas/base/trace_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace augstore {
namespace {

using ::testing::HasSubstr;

const std::string kTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpanId = "00f067aa0ba902b7";

TEST(TraceContext, ReadsIdsAndWhetherSpansAreWanted) {
  const std::string ids = "00-" + kTraceId + "-" + kSpanId;
  EXPECT_EQ(ParseTraceparent(ids + "-01").value(), (TraceContext{kTraceId, kSpanId, true}));
  EXPECT_EQ(ParseTraceparent(ids + "-00").value(), (TraceContext{kTraceId, kSpanId, false}));
  EXPECT_TRUE(ParseTraceparent(ids + "-03")->sampled);
  EXPECT_FALSE(ParseTraceparent(ids + "-fe")->sampled);
}

TEST(TraceContext, IsWrittenAsItWasRead) {
  for (const char* flags : {"00", "01"}) {
    const std::string text = fmt::format("00-{}-{}-{}", kTraceId, kSpanId, flags);
    EXPECT_EQ(ParseTraceparent(text)->ToTraceparent(), text);
  }
}

TEST(TraceContext, ReadsOfLaterVersionsWhatTheyShare) {
  const std::string later = "cc-" + kTraceId + "-" + kSpanId + "-01";
  EXPECT_TRUE(ParseTraceparent(later).ok());
  EXPECT_EQ(ParseTraceparent(later + "-what-comes.later")->span_id, kSpanId);
  EXPECT_FALSE(ParseTraceparent(later + ".").ok());
}

TEST(TraceContext, RefusesWhatIsNoTraceparentAndNamesIt) {
  const std::string none(32, '0');
  for (const std::string& text : {
           std::string(), std::string("00"), std::string("trace"),
           "00-" + kTraceId + "-" + kSpanId,                         // no flags
           "00-" + kTraceId + "-" + kSpanId + "-1",                  // too short
           "00-" + kTraceId + "-" + kSpanId + "-01-",                // too long
           "00-" + kTraceId + "-" + kSpanId + "-01 ",                // the same
           "ff-" + kTraceId + "-" + kSpanId + "-01",                 // no version
           "0-" + kTraceId + "-" + kSpanId + "-01",                  // the same
           "00-" + none + "-" + kSpanId + "-01",                     // no trace
           "00-" + kTraceId + "-" + none.substr(16) + "-01",         // no span
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kSpanId + "-01"  // upper case
       }) {
    const auto parsed = ParseTraceparent(text);
    EXPECT_EQ(parsed.status().code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(parsed.status().message(), HasSubstr("'" + text + "'"));
  }
  std::string damaged = "00-" + kTraceId + "-" + kSpanId + "-01";
  for (char& c : damaged) {
    const char before = std::exchange(c, 'g');
    EXPECT_FALSE(ParseTraceparent(damaged).ok()) << damaged;
    c = before;
  }
}

}  // namespace
}  // namespace augstore
