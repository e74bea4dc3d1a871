#include "server/sockets/session_deadlines.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace augstore {
namespace {

namespace asio = boost::asio;

// How soon it is found out that a peer is gone while its reply is made.
constexpr std::chrono::milliseconds kWatchPeriod{500};

}  // namespace

SessionDeadlines::SessionDeadlines(const asio::any_io_executor& executor,
                                   const SessionLimits& limits)
    : limits_(limits),
      watchdog_(executor),
      deadline_(Clock::now() + limits.idle),
      waiting_since_(Clock::now()) {}

void SessionDeadlines::Enter(Phase phase) {
  const Clock::time_point now = Clock::now();
  switch (phase) {
    case Phase::kHandshaking:
      Begin(phase, now + limits_.frame);
      break;
    case Phase::kWriting: {
      const auto patience = stopping_ ? std::min(limits_.drain, limits_.write) : limits_.write;
      Begin(phase, std::min(now + patience, FrameDeadline() + limits_.write));
      break;
    }
    case Phase::kLingering:
      Begin(phase, now + limits_.linger);
      break;
    case Phase::kBuilding:  // the peer waits for us
      progress_ = now;
      Begin(phase, stopping_ ? now + limits_.drain : Clock::time_point::max());
      break;
    case Phase::kReading:
    case Phase::kClosed:
      break;  // they have functions of their own
  }
}

void SessionDeadlines::EnterReading(bool in_frame, bool is_stranger) {
  Begin(Phase::kReading,
        in_frame ? FrameDeadline() : waiting_since_ + (is_stranger ? limits_.frame : limits_.idle));
}

void SessionDeadlines::Close() {
  phase_ = Phase::kClosed;
  watchdog_.cancel();
}

void SessionDeadlines::Begin(Phase phase, Clock::time_point deadline) {
  if (is_closed()) return;
  phase_ = phase;
  deadline_ = deadline;
  if (deadline_ < watchdog_.expiry()) watchdog_.cancel();
}

void SessionDeadlines::BeginFrame(size_t bytes) {
  frame_began_ = progress_ = Clock::now();
  frame_bytes_ = bytes;
}

SessionDeadlines::Clock::time_point SessionDeadlines::FrameDeadline() const {
  return frame_began_ + limits_.frame + std::chrono::seconds(frame_bytes_ / limits_.least_rate);
}

asio::awaitable<void> SessionDeadlines::Nap() {
  // No longer than the shorter of the two common timeouts. So the deadline that Enter sets seldom
  // comes before the end of the nap, and Enter need not wake the timer.
  const auto nap = std::min({limits_.idle, limits_.write, kWatchPeriod});
  watchdog_.expires_at(std::min(deadline_, Clock::now() + nap));
  co_await watchdog_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace augstore
