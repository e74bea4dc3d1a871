// Internal to the server folder: one connection, as coroutines on the server's socket thread.
//
//   Serve    reads a request, has the worker pool make its replies, writes them, and so on until
//            the peer leaves.
//   Build    runs on the pool: claims the next reply, lets another job claim the one after it, and
//            makes its own. So a client that is alone has all workers; and replies are made ahead
//            of the one that Serve writes.
//   Watch    closes the socket when the peer let a deadline pass.
//
// All members belong to the socket thread, but for `source_` and `claimed_`, which belong to the
// job that claims, of which there is at most one at a time, and for the atomic ones.
#ifndef AUGSTORE_SERVER_SESSION_H_
#define AUGSTORE_SERVER_SESSION_H_

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "schemas/wire/frame.h"
#include "schemas/wire/shared_bodies.h"
#include "server/service.h"

namespace augstore {

struct SessionLimits {
  size_t workers = 1;  // of the pool
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
  // The next reply; nothing after the last.
  static Awaitable<std::optional<Sealed>> Built(std::shared_ptr<Session> self);
  static Awaitable<bool> Write(std::shared_ptr<Session> self, Sealed reply);
  // Makes the memory that a ShareMemoryRequest asks for.
  Status PrepareSharing(const Frame& request);
  // Answers a ShareMemoryRequest.
  static Awaitable<bool> ShareMemory(std::shared_ptr<Session> self, Frame request);
  // What a Unix socket takes before its reader has had it.
  void SetSendBuffer(int bytes);
  // Says goodbye in a way that lets the peer read what was written before the connection goes.
  static Awaitable<void> SayAndLeave(std::shared_ptr<Session> self, Frame last);

  // Has a job claim the next reply, the first one of a `request`. REQUIRES: none is claiming.
  void StartBuilding(std::optional<Frame> request);
  // The same if a reply is to come and may wait.
  void ContinueBuilding();
  void Build(std::optional<Frame> request);
  // What makes the next reply; null after the last.
  ReplyTask Claim(std::optional<Frame> request);
  // The job that claimed lets nobody claim in its place: on the socket thread, somebody may.
  void EndClaiming();
  // Runs a task on the pool, again when it has to wait for another's, and delivers its reply.
  void Make(uint64_t number, const std::shared_ptr<const ReplyTask>& task);
  void MakeLater(uint64_t number, const std::shared_ptr<const ReplyTask>& task);
  Sealed Seal(Frame frame);
  bool HasRoom() const;
  // Hands reply `number` of a request, or that there is none, to the socket thread.
  void Deliver(uint64_t number, std::optional<Sealed> reply);
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
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> closed_ = false;
  // There was no memory to make a reply, or to say so: Watch ends the connection.
  std::atomic<bool> broken_ = false;
  bool claiming_ = false;                            // a job is to claim, or does
  std::map<uint64_t, std::optional<Sealed>> built_;  // by number; nothing: there is no such reply
  uint64_t next_ = 0;                                // number of the reply that is written next
  std::atomic<size_t> waiting_ = 0;  // replies that were claimed and not yet taken to be written
  std::atomic<size_t> reply_bytes_ = 0;  // of the last reply that was made, if any was
  std::unique_ptr<ReplySource> source_;
  uint64_t claimed_ = 0;                      // replies of the request
  std::unique_ptr<SharedBodyWriter> shared_;  // made while no reply is
  bool is_unix_ = false;
  int send_buffer_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SESSION_H_
