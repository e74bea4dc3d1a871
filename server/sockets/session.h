// Internal to the server folder: the frames of one connection, as coroutines on the
// server's socket thread.
//
//   Serve    reads a request, has a ReplyPipeline make its replies, writes them, and so on until
//            the peer leaves.
//   Watch    closes the socket when the peer misses a deadline.
//
// Everything here belongs to the socket thread. Workers see the pipeline alone.
#ifndef AUGSTORE_SERVER_SOCKETS_SESSION_H_
#define AUGSTORE_SERVER_SOCKETS_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "schemas/wire/frame.h"
#include "server/service/service.h"
#include "server/sockets/reply_pipeline.h"
#include "server/sockets/session_deadlines.h"
#include "server/sockets/transport.h"
#include "server/traces/connection_trace.h"

namespace augstore {

class Session : public std::enable_shared_from_this<Session> {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  // Where replies are made: those that take long, and those that do not, which are never behind
  // them.
  struct Pools {
    ReplyPipeline::Pool slow;
    ReplyPipeline::Pool quick;
  };

  // Who is at the other end.
  struct Caller {
    PrincipalPointer principal;              // null: must authenticate first
    std::string peer;                        // for messages
    std::function<void()> handshake_failed;  // called when it presents a key that is none
  };

  // `service` must outlive the session and the jobs that it posted to `pools`.
  Session(Transport transport, Service* service, Pools pools, const SessionLimits& limits,
          Caller caller);

  // Null before it is known who is at the other end.
  const Principal* caller() const { return caller_.principal.get(); }
  // Serves until the peer leaves, breaks the protocol or misses a deadline, or until Stop.
  static Awaitable<void> Serve(std::shared_ptr<Session> self);
  // Sends `reason` and closes.
  static Awaitable<void> Refuse(std::shared_ptr<Session> self, Frame reason);
  // Ends after the frame in flight, at the latest after the time to drain.
  void Stop();
  using Clock = SessionDeadlines::Clock;
  // Since when it waits for a request; nothing when it does not.
  std::optional<Clock::time_point> idle_since() const;
  // It has not said who it is yet.
  bool is_stranger() const { return caller_.principal == nullptr && !is_closed(); }
  bool is_closed() const { return deadlines_.is_closed(); }
  Clock::time_point began() const { return began_; }
  // Ends now.
  void Close();

 private:
  using Phase = SessionDeadlines::Phase;

  static Awaitable<void> Watch(std::shared_ptr<Session> self);
  static Awaitable<void> ServeRequests(std::shared_ptr<Session> self);
  // False: the connection must be closed.
  static Awaitable<bool> Handshake(std::shared_ptr<Session> self);
  // The next request; nothing when the peer is gone.
  static Awaitable<Result<std::optional<Frame>>> Read(std::shared_ptr<Session> self);
  // Takes memory for the body that is announced, and for what is made of it. Errors:
  // kResourceExhausted (there is too little, or others hold it for too long).
  static Awaitable<Status> TakeRequestMemory(std::shared_ptr<Session> self);
  // Answers one request, of whatever kind. False: the connection must be closed.
  static Awaitable<bool> Dispatch(std::shared_ptr<Session> self, Frame request);
  // Answers an AuthenticateRequest. False: as Dispatch.
  static Awaitable<bool> Authenticate(std::shared_ptr<Session> self, Frame request);
  // Refuses a request, and has the connection closed.
  static Awaitable<bool> RefuseRequest(std::shared_ptr<Session> self, Status why, uint32_t id);
  // Answers one request through the service. False: as Dispatch.
  static Awaitable<bool> Answer(std::shared_ptr<Session> self, Frame request);
  static Awaitable<bool> Write(std::shared_ptr<Session> self, SealedFrame reply);
  // Makes the memory that a ShareMemoryRequest asks for.
  Status PrepareSharing(const Frame& request);
  // Answers a ShareMemoryRequest. The session does so itself: sharing memory takes a socket that
  // carries descriptors, which a Service knows nothing of. False: as Dispatch.
  static Awaitable<bool> ShareMemory(std::shared_ptr<Session> self, Frame request);
  // Answers a SetTraceRequest: the trace is the connection's. False: as Dispatch.
  static Awaitable<bool> ServeSetTrace(std::shared_ptr<Session> self, Frame request);
  Status SetTrace(const Frame& request);
  // Limits how many bytes a Unix socket takes before the peer has read them.
  void SetSendBuffer(int bytes);
  // Writes `last` and closes the connection after the peer had time to read it.
  static Awaitable<void> WriteLast(std::shared_ptr<Session> self, Frame last);
  // Closes the connection after the peer had time to read what was written.
  static Awaitable<void> Linger(std::shared_ptr<Session> self);

  // True: the peer takes nothing of a reply while others wait for memory.
  bool HoldsWhatOthersNeed() const;

  Transport transport_;
  Service* const service_;
  const Pools pools_;
  const SessionLimits limits_;
  Caller caller_;
  const std::shared_ptr<ReplyPipeline> replies_;
  FrameReader reader_;
  SessionDeadlines deadlines_;
  ConnectionTrace trace_;
  const Clock::time_point began_ = Clock::now();
  std::optional<MemoryBudget::Share> request_memory_;  // of a large request
  int send_buffer_ = 0;                                // as set last; 0: the system's
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_SESSION_H_
