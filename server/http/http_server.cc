#include "server/http/http_server.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "schemas/base/thread_annotations.h"
#include "server/sockets/accept.h"
#include "server/sockets/handshake_limit.h"
#include "server/sockets/listener.h"
#include "server/sockets/log.h"

namespace augstore {
namespace {

namespace asio = boost::asio;

constexpr size_t kSlowWorkers = 2;

bool IsTls(const Address& address) { return address.kind == Address::Kind::kTls; }

// The context for addresses in tls://; null when there are none.
Result<std::shared_ptr<const TlsContext>> LoadTls(const HttpOptions& options) {
  if (std::ranges::any_of(options.listen, IsTls)) return TlsContext::ForServer(options.tls);
  return std::shared_ptr<const TlsContext>();
}

}  // namespace

struct HttpServer::State {
  State(Service* the_service, HttpPages::IsAlive is_alive, const HttpOptions& the_options)
      : service(the_service),
        options(the_options),
        pages(the_service, std::move(is_alive), the_options.api),
        work(asio::make_work_guard(io)),
        failed_handshakes(options.max_failed_handshakes) {}

  Status Listen(const Address& address);
  void Launch(Transport::Socket socket, bool with_tls);
  // Closes a connection if `host` may have no other one.
  void MakeRoom(const std::string& host);
  void Stop();

  Service* const service;
  const HttpOptions options;
  const HttpPages pages;
  std::vector<Address> addresses;

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  // After the context, in which the callers of their jobs are.
  asio::thread_pool quick{1};
  asio::thread_pool slow{kSlowWorkers};
  HttpWorkers workers{quick.get_executor(), slow.get_executor()};
  std::vector<Listener> listeners;
  // The following belong to the thread.
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::shared_ptr<const TlsContext> tls;                         // of new connections
  std::map<std::shared_ptr<HttpSession>, std::string> sessions;  // and their hosts
  HandshakeLimit failed_handshakes;

  Mutex stop_mutex;
  bool stopped AUGSTORE_GUARDED_BY(stop_mutex) = false;
  std::thread thread;
};

Status HttpServer::State::Listen(const Address& address) {
  AUGSTORE_ASSIGN(Listener listener, Listener::Open(address, options.insecure || IsTls(address)));
  addresses.push_back(listener.address());
  const asio::generic::stream_protocol protocol(listener.family(), 0);
  acceptors.push_back(std::make_unique<Acceptor>(io, protocol, listener.ReleaseFd()));
  listeners.push_back(std::move(listener));
  asio::co_spawn(io,
                 AcceptUntilClosed(acceptors.back().get(),
                                   [this, with_tls = IsTls(address)](Transport::Socket socket) {
                                     Launch(std::move(socket), with_tls);
                                   }),
                 asio::detached);
  return OkStatus();
}

void HttpServer::State::MakeRoom(const std::string& host) {
  using Worth = HttpSession::Worth;
  std::vector<std::shared_ptr<HttpSession>> open;
  std::vector<std::shared_ptr<HttpSession>> of_host;
  for (const auto& [session, its_host] : sessions) {
    if (session->worth() == Worth::kClosed) continue;
    open.push_back(session);
    if (!host.empty() && its_host == host) of_host.push_back(session);
  }
  const bool has_share = of_host.size() >= std::max<size_t>(1, options.max_connections / 2);
  if (!has_share && open.size() < options.max_connections) return;
  const auto& from = has_share ? of_host : open;
  const auto least = std::ranges::min_element(
      from, {}, [](const auto& session) { return std::pair(session->worth(), session->since()); });
  (*least)->Close();  // there is one: the limits are at least 1
  ++service->metrics().refused.at(static_cast<size_t>(Code::kResourceExhausted));
}

void HttpServer::State::Launch(Transport::Socket socket, bool with_tls) try {
  using Clock = HandshakeLimit::Clock;
  const Peer peer = PeerOf(socket.native_handle());
  const Result<PrincipalPointer> admitted = AdmitPeer(peer, options.insecure);
  HttpCaller caller{
      .principal = admitted.ok() ? *admitted : nullptr,
      .peer = peer.text,
      .demands_address = admitted.ok() && *admitted != nullptr && !peer.host.empty(),
      .blocked_for = [this, peer] { return failed_handshakes.BlockedFor(peer.host, Clock::now()); },
      .handshake_failed = [this,
                           peer] { failed_handshakes.CountFailure(peer.host, Clock::now()); }};
  MakeRoom(peer.host);
  auto session =
      std::make_shared<HttpSession>(Transport(std::move(socket), with_tls ? tls : nullptr), service,
                                    &pages, &workers, options.limits, std::move(caller));
  if (!admitted.ok()) service->NoteRefusal(Nobody(peer.text), "Connect", admitted.status());
  sessions.emplace(session, peer.host);
  try {
    asio::co_spawn(io,
                   admitted.ok() ? HttpSession::Serve(session)
                                 : HttpSession::Refuse(session, admitted.status()),
                   [this, session](const std::exception_ptr&) { sessions.erase(session); });
  } catch (...) {
    sessions.erase(session);
    throw;
  }
} catch (const std::exception& error) {
  Log().error("an HTTP connection cannot be served: {}", error.what());
}

void HttpServer::State::Stop() {
  const MutexLock lock(stop_mutex);
  if (std::exchange(stopped, true)) return;
  asio::post(io, [this] {
    for (const auto& acceptor : acceptors) {
      boost::system::error_code ignored;
      acceptor->close(ignored);
    }
    for (const auto& [session, host] : sessions) session->Close();
    work.reset();
  });
  if (thread.joinable()) thread.join();
  listeners.clear();
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Stop() { state_->Stop(); }

Result<std::string> HttpServer::ReloadTls() {
  AUGSTORE_ASSIGN(auto loaded, LoadTls(state_->options));
  if (loaded == nullptr) return FailedPrecondition("no address is in tls://: nothing is to reload");
  std::string described = loaded->Describe();
  state_->service->metrics().certificate_ends = loaded->EndsAt();
  asio::post(state_->io, [state = state_.get(), loaded = std::move(loaded)]() mutable {
    state->tls = std::move(loaded);
  });
  return described;
}

const std::vector<Address>& HttpServer::addresses() const { return state_->addresses; }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Service* service, HttpPages::IsAlive is_alive,
                                                      const HttpOptions& options) {
  try {
    auto state = std::make_unique<State>(service, std::move(is_alive), options);
    AUGSTORE_ASSIGN(state->tls, LoadTls(options));
    if (state->tls != nullptr) service->metrics().certificate_ends = state->tls->EndsAt();
    for (const Address& address : options.listen) AUGSTORE_TRY(state->Listen(address));
    state->thread = std::thread([running = state.get()] { RunSockets(&running->io); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
  } catch (const std::exception& error) {
    return Unavailable("the HTTP listener could not start: {}: free descriptors, threads or memory",
                       error.what());
  }
}

}  // namespace augstore
