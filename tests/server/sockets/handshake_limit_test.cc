#include "server/sockets/handshake_limit.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

using std::chrono::seconds;

const HandshakeLimit::Clock::time_point kBegin{std::chrono::hours(1)};

TEST(HandshakeLimit, RefusesAHostAfterItsLastTryUntilTheMinuteIsOver) {
  HandshakeLimit limit(3);
  limit.CountFailure("a", kBegin);
  limit.CountFailure("a", kBegin + seconds(10));
  EXPECT_EQ(limit.BlockedFor("a", kBegin + seconds(10)), seconds(0));
  limit.CountFailure("a", kBegin + seconds(20));
  EXPECT_EQ(limit.BlockedFor("a", kBegin + seconds(20)), seconds(40));
  EXPECT_EQ(limit.BlockedFor("b", kBegin + seconds(20)), seconds(0));
  EXPECT_EQ(limit.BlockedFor("a", kBegin + seconds(60)), seconds(0));
  limit.CountFailure("a", kBegin + seconds(61));
  EXPECT_EQ(limit.BlockedFor("a", kBegin + seconds(61)), seconds(0)) << "a new minute";
}

TEST(HandshakeLimit, AllowsAnyNumberWhenItIsZero) {
  HandshakeLimit limit(0);
  for (int i = 0; i < 1000; ++i) limit.CountFailure("a", kBegin);
  EXPECT_EQ(limit.BlockedFor("a", kBegin), seconds(0));
}

TEST(HandshakeLimit, RemembersABoundedNumberOfHosts) {
  HandshakeLimit limit(1);
  for (size_t i = 0; i < HandshakeLimit::kMostHosts; ++i) {
    limit.CountFailure("old" + std::to_string(i), kBegin);
  }
  limit.CountFailure("a", kBegin + HandshakeLimit::kWindow);
  EXPECT_EQ(limit.BlockedFor("a", kBegin + HandshakeLimit::kWindow), HandshakeLimit::kWindow);
  for (size_t i = 0; i < HandshakeLimit::kMostHosts; ++i) {
    limit.CountFailure("new" + std::to_string(i), kBegin + HandshakeLimit::kWindow);
  }
  EXPECT_EQ(limit.BlockedFor("a", kBegin + HandshakeLimit::kWindow), seconds(0));
}

}  // namespace
}  // namespace augstore
