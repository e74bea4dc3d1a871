#include "server/sockets/session_deadlines.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace augstore {
namespace {

namespace asio = boost::asio;
using Phase = SessionDeadlines::Phase;
using std::chrono::milliseconds;

// Whatever is not named lasts an hour.
SessionLimits Limits() {
  constexpr milliseconds kLong = std::chrono::hours(1);
  SessionLimits limits;
  limits.idle = limits.frame = limits.write = limits.drain = limits.linger = kLong;
  return limits;
}

class SessionDeadlinesTest : public ::testing::Test {
 protected:
  asio::io_context io_;
};

TEST_F(SessionDeadlinesTest, GivesAStrangerLessTimeThanAnIdleClient) {
  SessionLimits limits = Limits();
  limits.frame = milliseconds(0);
  SessionDeadlines deadlines(io_.get_executor(), limits);
  deadlines.AwaitRequest();
  deadlines.EnterReading(/*in_frame=*/false, /*is_stranger=*/false);
  EXPECT_FALSE(deadlines.is_over());
  deadlines.EnterReading(false, true);
  EXPECT_TRUE(deadlines.is_over());
}

TEST_F(SessionDeadlinesTest, GivesARequestTimeForTheBytesThatCame) {
  SessionLimits limits = Limits();
  limits.frame = milliseconds(0);
  limits.least_rate = 1000;
  SessionDeadlines deadlines(io_.get_executor(), limits);
  deadlines.BeginFrame(0);
  deadlines.Receive(999);
  deadlines.EnterReading(true, false);
  EXPECT_TRUE(deadlines.is_over());
  deadlines.Receive(3'600'000);
  deadlines.EnterReading(true, false);
  EXPECT_FALSE(deadlines.is_over());
}

TEST_F(SessionDeadlinesTest, GivesTheLastFrameLessTimeWhenTheServerStops) {
  SessionLimits limits = Limits();
  limits.drain = milliseconds(0);
  SessionDeadlines deadlines(io_.get_executor(), limits);
  deadlines.BeginFrame(1);
  for (const Phase phase : {Phase::kWriting, Phase::kBuilding}) {
    deadlines.Enter(phase);
    EXPECT_FALSE(deadlines.is_over());
  }
  deadlines.Stop();
  for (const Phase phase : {Phase::kWriting, Phase::kBuilding}) {
    deadlines.Enter(phase);
    EXPECT_TRUE(deadlines.is_over());
  }
}

TEST_F(SessionDeadlinesTest, StaysClosed) {
  SessionDeadlines deadlines(io_.get_executor(), Limits());
  deadlines.Close();
  deadlines.Enter(Phase::kBuilding);
  deadlines.EnterReading(false, false);
  EXPECT_TRUE(deadlines.is_closed());
}

TEST_F(SessionDeadlinesTest, WakesWhenANewPhaseEndsEarlier) {
  SessionLimits limits = Limits();
  limits.linger = milliseconds(0);
  SessionDeadlines deadlines(io_.get_executor(), limits);
  bool woke = false;
  asio::co_spawn(
      io_,
      [&]() -> asio::awaitable<void> {
        co_await deadlines.Nap();
        woke = true;
      },
      asio::detached);
  io_.poll();
  EXPECT_FALSE(woke);
  deadlines.Enter(Phase::kLingering);
  io_.poll();
  EXPECT_TRUE(woke);
}

}  // namespace
}  // namespace augstore
