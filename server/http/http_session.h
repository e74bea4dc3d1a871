// Internal to the server folder: one connection of the HTTP listener, as coroutines on its thread.
#ifndef AUGSTORE_SERVER_HTTP_HTTP_SESSION_H_
#define AUGSTORE_SERVER_HTTP_HTTP_SESSION_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "server/http/http_message.h"
#include "server/http/http_pages.h"
#include "server/sockets/transport.h"

namespace augstore {

struct HttpLimits {
  // For a TLS handshake, for a request from its first byte on, and for a reply to be taken.
  std::chrono::milliseconds request{10'000};
  std::chrono::milliseconds work{30'000};             // for what may take long to be computed
  std::chrono::milliseconds idle{60'000};             // between two requests
  std::chrono::milliseconds linger{1'000};            // for the peer to leave after the last reply
  std::chrono::milliseconds failed_handshake{1'000};  // before a wrong key is answered
};

// Who may be at the other end.
struct HttpCaller {
  PrincipalPointer principal;  // null: each request has to bring a key
  std::string peer;
  // It came over TCP and needs no key: what a browser sends for another site looks the same.
  bool demands_address = false;
  // For how long wrong keys are refused at once, because too many came.
  std::function<std::chrono::seconds()> blocked_for;
  std::function<void()> handshake_failed;
};

// Who computes what may take long. Belongs to the thread of the sockets.
struct HttpWorkers {
  // At a time for one caller, as a page asks for several things: so nobody keeps others waiting for
  // long.
  static constexpr int kMostLong = 8;

  boost::asio::any_io_executor quick;       // for what takes milliseconds
  boost::asio::any_io_executor slow;        // for the rest
  std::map<std::string, int> long_of = {};  // requests that `slow` has, by who asked
};

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Clock = std::chrono::steady_clock;
  // What the connection is worth when another wants its place; the first goes first.
  enum class Worth { kClosed, kLeaving, kUnanswered, kIdle, kKnown, kBusy };

  // All that is pointed to must outlive the session.
  HttpSession(Transport transport, Service* service, const HttpPages* pages, HttpWorkers* workers,
              const HttpLimits& limits, HttpCaller caller);
  // Until the peer leaves, misses a deadline or is closed.
  static Awaitable<void> Serve(std::shared_ptr<HttpSession> self);
  // Answers one request by `why`, whatever it is, and closes.
  static Awaitable<void> Refuse(std::shared_ptr<HttpSession> self, Status why);
  void Close();
  Worth worth() const { return closed_ ? Worth::kClosed : worth_; }
  // Since when it is worth that.
  Clock::time_point since() const { return since_; }

 private:
  void Become(Worth worth) {
    worth_ = worth;
    since_ = Clock::now();
  }
  // Closes the connection unless it is called again within `limit`.
  void Expect(std::chrono::milliseconds limit);
  // Nothing when the peer is gone.
  static Awaitable<Result<std::optional<HttpRequest>>> Read(std::shared_ptr<HttpSession> self);
  static Awaitable<HttpReply> Answer(std::shared_ptr<HttpSession> self, HttpRequest request);
  static Awaitable<HttpReply> AnswerTo(std::shared_ptr<HttpSession> self, HttpRequest request,
                                       PrincipalPointer caller);
  static Awaitable<HttpReply> RefuseKey(std::shared_ptr<HttpSession> self, Status why,
                                        std::string path);
  static Awaitable<HttpReply> Compute(std::shared_ptr<HttpSession> self, HttpRequest request,
                                      PrincipalPointer caller, ApiCost cost);
  // Closes the connection when its peer leaves, until `watch_` is cancelled.
  void Watch();
  // False: it could not be written.
  static Awaitable<bool> Write(std::shared_ptr<HttpSession> self, const HttpReply& reply,
                               bool keep_alive, bool head_only);
  static Awaitable<void> ServeRequests(std::shared_ptr<HttpSession> self);
  static Awaitable<void> Finish(std::shared_ptr<HttpSession> self);

  Transport transport_;
  Service* const service_;
  const HttpPages* const pages_;
  HttpWorkers* const workers_;
  const HttpLimits limits_;
  const HttpCaller caller_;
  HttpReader reader_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer watch_;  // while a worker has its request
  std::stop_source stop_;            // what is computed for it is given up
  bool known_ = false;               // presented a valid key
  Worth worth_ = Worth::kUnanswered;
  Clock::time_point since_ = Clock::now();
  bool closed_ = false;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_HTTP_HTTP_SESSION_H_
