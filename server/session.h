// Internal to the server folder: one connection, as coroutines on the server's socket thread.
//
//   Serve    reads a request, has the worker pool make its replies, writes them, and so on until
//   the peer leaves. Build    runs on the pool: makes and seals one reply. While Serve writes that
//   reply, Build makes the next. Watch    closes the socket when the peer let a deadline pass.
//
// All members but `source_` belong to the socket thread; `source_` belongs to the job on the pool,
// of which there is at most one at a time.
#ifndef AUGSTORE_SERVER_SESSION_H_
#define AUGSTORE_SERVER_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "schemas/frame.h"
#include "server/service.h"

namespace augstore {

struct SessionLimits {
  std::chrono::milliseconds idle{};
  std::chrono::milliseconds write{};
  std::chrono::milliseconds drain{1'000};  // to take the last frame when the server stops
  std::chrono::milliseconds linger{
      1'000};  // to take the last words before the connection is closed
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Pool = boost::asio::thread_pool::executor_type;

  Session(Socket socket, Service* service, Pool pool, const SessionLimits& limits);

  // Serves until the peer leaves, breaks the protocol or lets a deadline pass, or until Stop.
  static Awaitable<void> Serve(std::shared_ptr<Session> self);
  // Sends `reason` and closes.
  static Awaitable<void> Refuse(std::shared_ptr<Session> self, Frame reason);
  // Ends after the frame in flight. Socket thread only.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Sealed {
    std::array<uint8_t, kFrameHeaderBytes> header{};
    Frame frame;
  };
  enum class Phase { kReading, kBuilding, kWriting, kLingering, kClosed };

  static Awaitable<void> Watch(std::shared_ptr<Session> self);
  static Awaitable<void> ServeRequests(std::shared_ptr<Session> self);
  // The next request; nothing when the peer is gone.
  static Awaitable<Result<std::optional<Frame>>> Read(std::shared_ptr<Session> self);
  // Answers one request. False: the connection is of no use any more.
  static Awaitable<bool> Answer(std::shared_ptr<Session> self, Frame request);
  static Awaitable<std::optional<Sealed>> Built(std::shared_ptr<Session> self);
  static Awaitable<bool> Write(std::shared_ptr<Session> self, Sealed reply);
  // Says goodbye in a way that lets the peer read what was written before the connection goes.
  static Awaitable<void> SayAndLeave(std::shared_ptr<Session> self, Frame last);

  void StartBuilding(std::optional<Frame> request);
  void Build(std::optional<Frame> request);
  void Deliver(std::optional<Sealed> reply);
  void Enter(Phase phase);
  void Close();

  Socket socket_;
  Service* const service_;
  const Pool pool_;
  const SessionLimits limits_;
  FrameReader reader_;
  boost::asio::steady_timer watchdog_;
  boost::asio::steady_timer built_signal_;
  Phase phase_ = Phase::kReading;
  Clock::time_point deadline_;
  bool stopping_ = false;
  bool built_ = false;
  std::optional<Sealed> reply_;
  std::unique_ptr<ReplySource> source_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SESSION_H_
