// Internal to the server folder: what a session is doing, and until when it may.
#ifndef AUGSTORE_SERVER_SOCKETS_SESSION_DEADLINES_H_
#define AUGSTORE_SERVER_SOCKETS_SESSION_DEADLINES_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace augstore {

struct SessionLimits {
  size_t workers = 1;                // of the pool for long requests
  std::chrono::milliseconds idle{};  // without a request
  // To finish a handshake, to send a request whole, or to take a reply whole …
  std::chrono::milliseconds frame{};
  uint64_t least_rate = 1;  // … and a second more for each so many bytes: of a request, that came
  std::chrono::milliseconds write{};  // without taking any bytes of a reply
  std::chrono::milliseconds reply{};  // to make one reply
  // To take the last frame when the server stops.
  std::chrono::milliseconds drain{1'000};
  // To take the reason why the connection is closed.
  std::chrono::milliseconds linger{1'000};
  // Before a key that is none is answered.
  std::chrono::milliseconds failed_handshake{1'000};
};

// Thread safety: none; it belongs to the socket thread.
class SessionDeadlines {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Phase { kHandshaking, kReading, kBuilding, kWriting, kLingering, kClosed };

  // Begins in kReading.
  SessionDeadlines(const boost::asio::any_io_executor& executor, const SessionLimits& limits);

  Phase phase() const { return phase_; }
  bool is_closed() const { return phase_ == Phase::kClosed; }
  bool is_over() const { return Clock::now() >= deadline_; }
  // The server stops: deadlines are shorter from now on.
  void Stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }

  // Begin a phase, with its deadline. Nothing follows kClosed.
  void Enter(Phase phase);
  void EnterReading(bool in_frame, bool is_stranger);
  void Close();

  // The peer has from now on to send its next request.
  void AwaitRequest() { waiting_since_ = Clock::now(); }
  Clock::time_point waiting_since() const { return waiting_since_; }
  // A request begins to come, or a reply of `bytes` to be taken.
  void BeginFrame(size_t bytes);
  // More bytes of a request came.
  void Receive(size_t bytes) { frame_bytes_ += bytes; }
  // It was not the peer who waited.
  void RestartFrame() { frame_began_ = Clock::now(); }
  // The peer took bytes of a reply.
  void Progress() { progress_ = Clock::now(); }
  // Since then: in kBuilding, since the phase began.
  Clock::duration SinceProgress() const { return Clock::now() - progress_; }

  // Waits until the deadline, for a short time at most; another phase may end the wait.
  boost::asio::awaitable<void> Nap();

 private:
  void Begin(Phase phase, Clock::time_point deadline);
  // When a frame must have passed whole, or more of it than the bytes so far.
  Clock::time_point FrameDeadline() const;

  const SessionLimits limits_;
  boost::asio::steady_timer watchdog_;
  Phase phase_ = Phase::kReading;
  Clock::time_point deadline_;
  Clock::time_point waiting_since_;  // for a request
  Clock::time_point frame_began_;    // the request that is read, or the reply that is written
  size_t frame_bytes_ = 0;           // of the latter; of the request, those that have come
  Clock::time_point progress_;
  bool stopping_ = false;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_SESSION_DEADLINES_H_
