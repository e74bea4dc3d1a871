// Internal to the server folder: the sockets and frames of one connection, as coroutines on the
// server's socket thread.
//
//   Serve    reads a request, has a ReplyPipeline make its replies, writes them, and so on until
//            the peer leaves.
//   Watch    closes the socket when the peer misses a deadline.
//
// Everything here belongs to the socket thread. Workers see the pipeline alone.
#ifndef AUGSTORE_SERVER_SESSION_H_
#define AUGSTORE_SERVER_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "schemas/wire/frame.h"
#include "server/reply_pipeline.h"
#include "server/service.h"

namespace augstore {

struct SessionLimits {
  size_t workers = 1;                 // of the pool
  std::chrono::milliseconds idle{};   // without a request
  std::chrono::milliseconds write{};  // without taking any bytes of a reply
  // To take the last frame when the server stops.
  std::chrono::milliseconds drain{1'000};
  // To take the reason why the connection is closed.
  std::chrono::milliseconds linger{1'000};
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // `service` must outlive the session and the jobs that it posted to `pool`.
  Session(Socket socket, Service* service, ReplyPipeline::Pool pool, const SessionLimits& limits);

  // Serves until the peer leaves, breaks the protocol or misses a deadline, or until Stop.
  static Awaitable<void> Serve(std::shared_ptr<Session> self);
  // Sends `reason` and closes.
  static Awaitable<void> Refuse(std::shared_ptr<Session> self, Frame reason);
  // Ends after the frame in flight.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { kReading, kBuilding, kWriting, kLingering, kClosed };

  static Awaitable<void> Watch(std::shared_ptr<Session> self);
  static Awaitable<void> ServeRequests(std::shared_ptr<Session> self);
  // The next request; nothing when the peer is gone.
  static Awaitable<Result<std::optional<Frame>>> Read(std::shared_ptr<Session> self);
  // Answers one request. False: the connection must be closed.
  static Awaitable<bool> Answer(std::shared_ptr<Session> self, Frame request);
  static Awaitable<bool> Write(std::shared_ptr<Session> self, SealedFrame reply);
  // Makes the memory that a ShareMemoryRequest asks for.
  Status PrepareSharing(const Frame& request);
  // Answers a ShareMemoryRequest. The session does so itself: sharing memory takes a socket that
  // carries descriptors, which a Service knows nothing of. False: as Answer.
  static Awaitable<bool> ShareMemory(std::shared_ptr<Session> self, Frame request);
  // Limits how many bytes a Unix socket takes before the peer has read them.
  void SetSendBuffer(int bytes);
  // Writes `last` and closes the connection after the peer had time to read it.
  static Awaitable<void> WriteLast(std::shared_ptr<Session> self, Frame last);

  void Enter(Phase phase);
  void Close();

  Socket socket_;
  Service* const service_;
  const SessionLimits limits_;
  const std::shared_ptr<ReplyPipeline> replies_;
  FrameReader reader_;
  boost::asio::steady_timer watchdog_;
  Phase phase_ = Phase::kReading;
  Clock::time_point deadline_;
  bool stopping_ = false;
  const bool is_unix_;
  int send_buffer_ = 0;  // as set last; 0: the system's
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SESSION_H_
