#include "server/traces/connection_trace.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

const std::string kTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSampled = "00-" + kTraceId + "-00f067aa0ba902b7-01";

class ConnectionTraceTest : public ::testing::Test {
 protected:
  // Spans of one request.
  std::vector<Span> SpansOfOne() {
    SpanQueue queue(2);
    { const TraceEnd end(trace_.Begin("Stats", &queue)); }
    queue.Stop();
    return queue.Take(2, std::chrono::milliseconds(0));
  }
  ConnectionTrace trace_;
};

TEST_F(ConnectionTraceTest, IsThatWhichWasNamedLast) {
  EXPECT_FALSE(trace_.is_set());
  EXPECT_EQ(trace_.Begin("Stats", nullptr), nullptr);
  ASSERT_TRUE(trace_.Set(kSampled, "127.0.0.1", 7411).ok());
  ASSERT_EQ(SpansOfOne().size(), 1u);
  EXPECT_EQ(SpansOfOne()[0].trace_id, kTraceId);
  ASSERT_TRUE(trace_.Set("", "127.0.0.1", 7411).ok());
  EXPECT_TRUE(SpansOfOne().empty());
}

TEST_F(ConnectionTraceTest, GoesOnAfterADamagedOne) {
  ASSERT_TRUE(trace_.Set(kSampled, "127.0.0.1", 7411).ok());
  const Status damaged = trace_.Set(kSampled + "0", "127.0.0.1", 7411);
  EXPECT_EQ(damaged.code(), Code::kInvalidArgument);
  EXPECT_NE(damaged.message().find(kSampled + "0"), std::string::npos);
  EXPECT_EQ(SpansOfOne().size(), 1u);
}

TEST_F(ConnectionTraceTest, IsKnownAndHasNoSpansWhereTheClientWantsNone) {
  ASSERT_TRUE(trace_.Set("00-" + kTraceId + "-00f067aa0ba902b7-00", "", 0).ok());
  EXPECT_TRUE(SpansOfOne().empty());
  EXPECT_EQ(trace_.Begin("Stats", nullptr)->trace_id(), kTraceId);
}

}  // namespace
}  // namespace augstore
