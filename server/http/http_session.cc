#include "server/http/http_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "server/sockets/log.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Whether a Host names no name that somebody could have pointed here.
bool IsAddress(std::string_view host) {
  std::string name(host.substr(0, host.starts_with('[') ? host.find(']') : host.find(':')));
  if (name.starts_with('[')) name.erase(0, 1);
  boost::system::error_code error;
  asio::ip::make_address(name, error);
  return !error || name == "localhost" || name.empty();
}

// What a worker does for a request.
struct PageJob {
  const HttpPages* pages;
  HttpRequest request;
  PrincipalPointer caller;
  Cancellation cancellation;
};

// Never throws: nobody would catch it on a worker. Whoever left before its turn came is not served.
HttpReply AnswerOf(const PageJob& job) try {
  const Status wanted = job.cancellation.Check();
  if (!wanted.ok()) return ErrorPage(wanted, job.request.path);
  return job.pages->Answer(job.request, job.caller, job.cancellation);
} catch (const std::exception&) {
  HttpReply failed;
  failed.status = 503;
  return failed;
}

// Runs a job on a worker, and hands its reply to the handler on the handler's own thread. A
// functor, as GCC 12 frees the captures of a lambda twice in a co_await.
struct OnWorker {
  template <typename Handler>
  void operator()(Handler&& handler, const asio::any_io_executor& workers,
                  std::shared_ptr<PageJob> job) const {
    // The context must not end while it waits for the worker alone.
    auto work = asio::make_work_guard(asio::get_associated_executor(handler));
    asio::post(workers, [handler = std::forward<Handler>(handler), work = std::move(work),
                         job = std::move(job)]() mutable {
      HttpReply reply = AnswerOf(*job);
      const auto executor = work.get_executor();
      asio::post(executor, [handler = std::move(handler), reply = std::move(reply)]() mutable {
        std::move(handler)(std::move(reply));
      });
    });
  }
};

}  // namespace

HttpSession::HttpSession(Transport transport, Service* service, const HttpPages* pages,
                         HttpWorkers* workers, const HttpLimits& limits, HttpCaller caller)
    : transport_(std::move(transport)),
      service_(service),
      pages_(pages),
      workers_(workers),
      limits_(limits),
      caller_(std::move(caller)),
      deadline_(transport_.executor()),
      watch_(transport_.executor()) {}

void HttpSession::Close() {
  if (std::exchange(closed_, true)) return;
  stop_.request_stop();
  deadline_.cancel();
  watch_.cancel();
  transport_.Close();
}

void HttpSession::Expect(std::chrono::milliseconds limit) {
  deadline_.expires_after(limit);  // cancels the wait before, unless that is over already
  deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const std::shared_ptr<HttpSession> self = weak.lock();
    if (!error && self != nullptr && self->deadline_.expiry() <= Clock::now()) self->Close();
  });
}

HttpSession::Awaitable<void> HttpSession::Serve(std::shared_ptr<HttpSession> self) {
  self->Expect(self->limits_.request);
  const Status ready = co_await self->transport_.Handshake();
  if (ready.ok() && !self->closed_) {
    co_await ServeRequests(self);
  } else if (ready.code() != Code::kUnavailable) {  // else the peer left by itself
    WarnOfPeer(fmt::format("{} is closed: its TLS handshake failed: {}", self->caller_.peer,
                           ready.ok() ? "it took too long" : ready.message()));
  }
  co_await Finish(self);
}

HttpSession::Awaitable<void> HttpSession::Refuse(std::shared_ptr<HttpSession> self, Status why) {
  self->Expect(self->limits_.request);
  const Status ready = co_await self->transport_.Handshake();
  if (ready.ok() && !self->closed_) {
    co_await Write(self, ErrorPage(why), /*keep_alive=*/false, /*head_only=*/false);
  }
  co_await Finish(self);
}

// What the peer still sends is taken, or it would lose the reply.
HttpSession::Awaitable<void> HttpSession::Finish(std::shared_ptr<HttpSession> self) {
  if (!self->closed_) {
    self->Become(Worth::kLeaving);
    self->Expect(self->limits_.linger);
    co_await self->transport_.FinishSending();
    co_await self->transport_.DiscardRest();
  }
  self->Close();
}

HttpSession::Awaitable<void> HttpSession::ServeRequests(std::shared_ptr<HttpSession> self) {
  for (bool more = true; more && !self->closed_;) {
    Result<std::optional<HttpRequest>> request = co_await Read(self);
    if (!request.ok()) {
      // The code of a limit would say "try again later".
      const Status why = InvalidArgument("{}", request.status().message());
      co_await Write(self, ErrorPage(why), /*keep_alive=*/false, /*head_only=*/false);
      co_return;
    }
    if (!request->has_value()) co_return;
    more = (*request)->keep_alive;
    const bool head_only = (*request)->method == "HEAD";
    const bool has_key = !(*request)->key.empty();
    const HttpReply reply = co_await Answer(self, std::move(**request));
    if (self->closed_) co_return;
    // Each refusal is a line of the log; a wrong key is answered after a pause.
    more = more && (has_key || reply.status != 401);
    const bool written = co_await Write(self, reply, more, head_only);
    more = more && written;
  }
}

HttpSession::Awaitable<Result<std::optional<HttpRequest>>> HttpSession::Read(
    std::shared_ptr<HttpSession> self) {
  std::array<uint8_t, 2048> space{};
  const bool waits = !self->reader_.in_request();
  self->Expect(waits ? self->limits_.idle : self->limits_.request);
  for (bool begun = !waits;;) {
    Result<std::optional<HttpRequest>> next = self->reader_.Next();
    if (!next.ok() || next->has_value()) co_return next;
    const auto [error, count] = co_await self->transport_.ReadSome(space);
    if (error || self->closed_) co_return std::optional<HttpRequest>();
    if (!std::exchange(begun, true)) self->Expect(self->limits_.request);
    self->reader_.Add({reinterpret_cast<const char*>(space.data()), count});
  }
}

HttpSession::Awaitable<HttpReply> HttpSession::Answer(std::shared_ptr<HttpSession> self,
                                                      HttpRequest request) {
  const HttpCaller& caller = self->caller_;
  self->Expect(self->limits_.request);
  if (caller.demands_address && !IsAddress(request.host)) {
    co_return ErrorPage(PermissionDenied("without keys this server is asked by an IP address or as "
                                         "localhost: by a name, a page of another site could"),
                        request.path);
  }
  if (caller.principal != nullptr) {
    co_return co_await AnswerTo(self, std::move(request), caller.principal);
  }
  // Whoever probes with a key that is over must still learn whether the server is well.
  if (request.key.empty() || !HttpPages::NeedsKey(request.path)) {
    co_return co_await AnswerTo(self, std::move(request),
                                std::make_shared<Principal>(Nobody(caller.peer)));
  }
  const Result<PrincipalPointer> who = self->service_->Identify(request.key, caller.peer);
  if (who.ok()) {
    self->known_ = true;  // from now on it goes after those that nobody knows
    self->Become(Worth::kBusy);
    co_return co_await AnswerTo(self, std::move(request), *who);
  }
  co_return co_await RefuseKey(self, who.status(), std::move(request.path));
}

HttpSession::Awaitable<HttpReply> HttpSession::AnswerTo(std::shared_ptr<HttpSession> self,
                                                        HttpRequest request,
                                                        PrincipalPointer caller) {
  const ApiCost cost = HttpPages::CostOf(request.path, *caller);
  if (cost == ApiCost::kNothing) co_return self->pages_->Answer(request, caller, {});
  const std::string who = caller->who;
  const std::string path = request.path;
  if (cost == ApiCost::kLong) {
    if (self->workers_->long_of[who] >= HttpWorkers::kMostLong) {
      co_return ErrorPage(ResourceExhausted("{} requests of yours are being computed: send this "
                                            "one when they are answered",
                                            HttpWorkers::kMostLong),
                          path);
    }
    ++self->workers_->long_of[who];
  }
  HttpReply reply = co_await Compute(self, std::move(request), std::move(caller), cost);
  if (cost == ApiCost::kLong && --self->workers_->long_of[who] == 0) {
    self->workers_->long_of.erase(who);
  }
  co_return reply;
}

HttpSession::Awaitable<HttpReply> HttpSession::Compute(std::shared_ptr<HttpSession> self,
                                                       HttpRequest request, PrincipalPointer caller,
                                                       ApiCost cost) {
  const std::chrono::milliseconds work = self->limits_.work;
  self->Become(Worth::kBusy);
  self->Expect(work + self->limits_.request);
  self->Watch();
  auto job = std::make_shared<PageJob>(
      PageJob{self->pages_, std::move(request), std::move(caller),
              Cancellation(self->stop_.get_token(), Clock::now() + work)});
  HttpReply reply = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(HttpReply)>(
      OnWorker(), asio::use_awaitable,
      cost == ApiCost::kQuick ? self->workers_->quick : self->workers_->slow, std::move(job));
  self->watch_.cancel();
  co_return reply;
}

void HttpSession::Watch() {
  constexpr std::chrono::milliseconds kLook{200};
  watch_.expires_after(kLook);
  watch_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const std::shared_ptr<HttpSession> self = weak.lock();
    if (error || self == nullptr || self->closed_) return;
    if (self->transport_.PeerIsGone()) return self->Close();
    self->Watch();
  });
}

// A key that is valid is looked at all the same, so that one user of a host cannot keep another
// out: the limit is for the log and for connections, since no key can be guessed.
HttpSession::Awaitable<HttpReply> HttpSession::RefuseKey(std::shared_ptr<HttpSession> self,
                                                         Status why, std::string path) {
  const HttpCaller& caller = self->caller_;
  const std::chrono::seconds blocked = caller.blocked_for();
  if (blocked.count() > 0) {
    const Status limit = ResourceExhausted(
        "too many keys that are none came from here: try again in {} s", blocked.count());
    self->service_->NoteRefusal(Nobody(caller.peer), "Connect", limit);
    HttpReply reply = ErrorPage(limit, path);
    reply.headers = {{"Retry-After", std::to_string(blocked.count())}};
    co_return reply;
  }
  WarnOfPeer(fmt::format("{} is refused: {}", caller.peer, why.ToString()));
  if (why.code() == Code::kUnauthenticated) caller.handshake_failed();
  self->service_->NoteRefusal(Nobody(caller.peer), "Connect", why);
  asio::steady_timer pause(self->transport_.executor(), self->limits_.failed_handshake);
  co_await pause.async_wait(kAwait);
  co_return ErrorPage(why, path);
}

HttpSession::Awaitable<bool> HttpSession::Write(std::shared_ptr<HttpSession> self,
                                                const HttpReply& reply, bool keep_alive,
                                                bool head_only) {
  self->Expect(self->limits_.request);
  const auto bytes_of = [](const std::string& text) {
    return std::span<const uint8_t>(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  const std::string text = HeadText(reply, keep_alive);
  std::span<const uint8_t> head = bytes_of(text);
  std::span<const uint8_t> body = head_only ? std::span<const uint8_t>() : bytes_of(reply.body);
  while (!head.empty() || !body.empty()) {
    const auto [error, count] = co_await self->transport_.WriteSome(head, body);
    if (error || self->closed_) co_return false;
    const size_t of_head = std::min(count, head.size());
    head = head.subspan(of_head);
    body = body.subspan(count - of_head);
  }
  self->Become(self->known_ || self->caller_.principal != nullptr ? Worth::kKnown : Worth::kIdle);
  co_return true;
}

}  // namespace augstore
