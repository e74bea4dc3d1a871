#include "server/sockets/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <set>
#include <thread>
#include <utility>

#include "engine/math/compute_threads.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/wire/messages.h"
#include "server/sockets/accept.h"
#include "server/sockets/connection_table.h"
#include "server/sockets/handshake_limit.h"
#include "server/sockets/listener.h"
#include "server/sockets/log.h"
#include "server/sockets/peer.h"
#include "server/sockets/session.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
// Connections over the limit that are told so at the same time. Others are closed without a reason:
// a flood of connections must not cost memory.
constexpr size_t kMaxRefusals = 32;
constexpr int kMaxWorkers = 1024;  // more is a typing error
constexpr size_t kQuickWorkers = 2;
// How often the socket thread says that it turns, and after what silence it is taken for stuck.
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBeat{100};
constexpr std::chrono::seconds kMostSilence{3};

Status CheckOptions(const ServerOptions& options) {
  if (options.listen.empty()) {
    return InvalidArgument("a server needs an address to listen at, for example tcp://127.0.0.1:{}",
                           kDefaultPort);
  }
  if (options.workers < 0 || options.workers > kMaxWorkers) {
    return InvalidArgument("{} workers: use 1 to {}, or 0 for one per core", options.workers,
                           kMaxWorkers);
  }
  if (options.max_connections == 0) {
    return InvalidArgument("a limit of 0 connections: use 1 or more");
  }
  for (const auto& [name, timeout] :
       {std::pair("idle", options.idle_timeout), std::pair("write", options.write_timeout),
        std::pair("frame", options.frame_timeout), std::pair("request", options.request_timeout)}) {
    if (timeout.count() > 0) continue;
    return InvalidArgument("the {} timeout is {} ms: it must be more than 0", name,
                           timeout.count());
  }
  if (options.least_rate == 0) {
    return InvalidArgument("a least rate of 0 bytes a second: use 1 or more");
  }
  return OkStatus();
}

bool HasTls(const ServerOptions& options) {
  return std::any_of(options.listen.begin(), options.listen.end(),
                     [](const Address& address) { return address.kind == Address::Kind::kTls; });
}

// The context for addresses in tls://; null when there are none.
Result<std::shared_ptr<const TlsContext>> LoadTls(const ServerOptions& options) {
  if (HasTls(options)) return TlsContext::ForServer(options.tls);
  if (options.tls == TlsFiles()) return std::shared_ptr<const TlsContext>();
  return InvalidArgument(
      "a certificate is given, and no address uses it: listen at tls://HOST:PORT");
}

// The shares of a host that are documented at `serve`, unless they are set.
ConnectionTable::Limits TableLimits(const ServerOptions& options) {
  const uint32_t all = options.max_connections;
  const auto or_share = [&](uint32_t asked, uint32_t part) {
    return asked > 0 ? asked : std::max<uint32_t>(1, all / part);
  };
  return {.all = all,
          .of_host = or_share(options.max_host_connections, 2),
          .strangers_of_host = or_share(options.max_host_strangers, 8),
          .least_idle = options.least_idle};
}

size_t WorkerCount(int asked) { return static_cast<size_t>(asked > 0 ? asked : HardwareThreads()); }

}  // namespace

struct Server::State {
  State(Service* the_service, const ServerOptions& the_options)
      : service(the_service),
        options(the_options),
        limits{.workers = WorkerCount(options.workers),
               .idle = options.idle_timeout,
               .frame = options.frame_timeout,
               .least_rate = options.least_rate,
               .write = options.write_timeout,
               .reply = options.request_timeout,
               .failed_handshake = options.failed_handshake_pause},
        work(asio::make_work_guard(io)),
        pool(WorkerCount(options.workers)),
        quick_pool(kQuickWorkers),
        sessions(TableLimits(options)),
        failed_handshakes(options.max_failed_handshakes) {}

  // Says that the socket thread turns, until the server stops.
  static asio::awaitable<void> Beat(State* state);
  void Launch(Transport::Socket socket, bool with_tls);
  // Who a new connection is; why it is not to be served.
  Result<Session::Caller> Admit(const Peer& peer);
  void Refuse(const std::shared_ptr<Session>& session, const Status& why);
  void Forget(const std::shared_ptr<Session>& session);
  void BeginStop();
  void Stop();

  Service* const service;
  const ServerOptions options;
  const SessionLimits limits;
  std::vector<Address> addresses;

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::thread_pool pool;
  asio::thread_pool quick_pool;
  std::vector<Listener> listeners;
  // The following belong to the socket thread.
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::shared_ptr<const TlsContext> tls;  // of new connections
  ConnectionTable sessions;
  std::set<std::shared_ptr<Session>> refused;
  HandshakeLimit failed_handshakes;
  asio::steady_timer next_beat{io};
  bool stopping = false;
  std::atomic<Clock::time_point> beat{Clock::now()};  // any thread

  Mutex stop_mutex;
  bool stopped AUGSTORE_GUARDED_BY(stop_mutex) = false;
  std::thread thread;
};

void Server::State::Launch(Transport::Socket socket, bool with_tls) try {
  // The last frame of a run must not wait for the peer's acknowledgement of the one before. Fails
  // on a Unix socket, which does not wait.
  const int on = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const Session::Pools pools{pool.get_executor(), quick_pool.get_executor()};
  const Peer peer = PeerOf(socket.native_handle());
  Result<Session::Caller> caller = Admit(peer);
  auto session = std::make_shared<Session>(
      Transport(std::move(socket), with_tls ? tls : nullptr), service, pools, limits,
      caller.ok() ? *caller : Session::Caller{nullptr, peer.text, [] {}});
  if (!caller.ok()) {
    service->NoteRefusal(Nobody(peer.text), "Connect", caller.status());
    return Refuse(session, caller.status());
  }
  const Status room = sessions.MakeRoom(peer.host);
  if (!room.ok()) {
    ++service->metrics().refused.at(static_cast<size_t>(room.code()));
    return Refuse(session, room);
  }
  sessions.Add(session, peer.host);
  ++service->metrics().connections;
  asio::co_spawn(io, Session::Serve(session),
                 [this, session](const std::exception_ptr&) { Forget(session); });
} catch (const std::exception& error) {
  Log().error("a connection cannot be served: {}", error.what());
}

Result<Session::Caller> Server::State::Admit(const Peer& peer) {
  AUGSTORE_ASSIGN(PrincipalPointer admitted, AdmitPeer(peer, options.insecure));
  if (admitted != nullptr) return Session::Caller{std::move(admitted), peer.text, [] {}};
  const auto blocked = failed_handshakes.BlockedFor(peer.host, HandshakeLimit::Clock::now());
  if (blocked.count() > 0) {
    return ResourceExhausted(
        "{} keys that are none came from {} within a minute: try again in {} s",
        options.max_failed_handshakes, peer.host, blocked.count());
  }
  return Session::Caller{nullptr, peer.text, [this, host = peer.host] {
                           failed_handshakes.CountFailure(host, HandshakeLimit::Clock::now());
                         }};
}

void Server::State::Refuse(const std::shared_ptr<Session>& session, const Status& why) {
  if (refused.size() >= kMaxRefusals) return;
  refused.insert(session);
  asio::co_spawn(io, Session::Refuse(session, ErrorFrame(why, 0)),
                 [this, session](const std::exception_ptr&) { refused.erase(session); });
}

void Server::State::Forget(const std::shared_ptr<Session>& session) {
  sessions.Remove(session);
  --service->metrics().connections;
  for (const auto& stream : service->metrics().streams.Leave(session->caller())) LogStream(*stream);
}

asio::awaitable<void> Server::State::Beat(State* state) {
  while (!state->stopping) {
    state->beat = Clock::now();
    try {
      ServerMetrics& metrics = state->service->metrics();
      if (const auto now = Clock::now(); metrics.history.IsDue(now)) {
        metrics.history.Note(now, metrics.Totals());
      }
      state->next_beat.expires_after(kBeat);
      co_await state->next_beat.async_wait(asio::as_tuple(asio::use_awaitable));
    } catch (const std::exception&) {  // no memory for a moment: the thread turns all the same
    }
  }
  state->beat = Clock::time_point();
}

void Server::State::BeginStop() {
  stopping = true;
  next_beat.cancel();
  for (const auto& acceptor : acceptors) {
    boost::system::error_code ignored;
    acceptor->close(ignored);
  }
  sessions.StopAll();
  for (const auto& session : refused) session->Stop();
  work.reset();
}

void Server::State::Stop() {
  const MutexLock lock(stop_mutex);
  if (std::exchange(stopped, true)) return;
  asio::post(io, [this] { BeginStop(); });
  if (thread.joinable()) thread.join();
  // Tasks that wait for memory would outlive the pools that they are to be run on. Their pipelines
  // are closed, so they end; one that began to wait meanwhile is dropped with its pool.
  service->memory().ResumeWaiting();
  pool.join();
  quick_pool.join();
  // What the last tasks posted goes now, and not after the pools that it may still resume others
  // on.
  io.restart();
  io.poll();
  service->memory().ResumeWaiting();
  listeners.clear();
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { Stop(); }

void Server::Stop() { state_->Stop(); }

Result<std::string> Server::ReloadTls() {
  AUGSTORE_ASSIGN(auto loaded, LoadTls(state_->options));
  if (loaded == nullptr) return FailedPrecondition("no address is in tls://: nothing is to reload");
  std::string described = loaded->Describe();
  state_->service->metrics().certificate_ends = loaded->EndsAt();
  asio::post(state_->io, [state = state_.get(), loaded = std::move(loaded)]() mutable {
    state->tls = std::move(loaded);
  });
  return described;
}

const std::vector<Address>& Server::addresses() const { return state_->addresses; }

uint32_t Server::connections() const { return state_->service->metrics().connections.load(); }

bool Server::IsAlive() const { return Clock::now() - state_->beat.load() < kMostSilence; }

Result<std::unique_ptr<Server>> Server::Start(Service* service, const ServerOptions& options) {
  AUGSTORE_TRY(CheckOptions(options));
  try {
    auto state = std::make_unique<State>(service, options);
    AUGSTORE_ASSIGN(state->tls, LoadTls(options));
    if (state->tls != nullptr) service->metrics().certificate_ends = state->tls->EndsAt();
    for (const Address& address : options.listen) {
      AUGSTORE_ASSIGN(
          Listener listener,
          Listener::Open(address, options.insecure || address.kind == Address::Kind::kTls));
      state->addresses.push_back(listener.address());
      state->listeners.push_back(std::move(listener));
    }
    for (Listener& listener : state->listeners) {
      const bool with_tls = listener.address().kind == Address::Kind::kTls;
      const asio::generic::stream_protocol protocol(listener.family(), 0);
      state->acceptors.push_back(
          std::make_unique<Acceptor>(state->io, protocol, listener.ReleaseFd()));
      asio::co_spawn(state->io,
                     AcceptUntilClosed(state->acceptors.back().get(),
                                       [running = state.get(), with_tls](Transport::Socket socket) {
                                         running->Launch(std::move(socket), with_tls);
                                       }),
                     asio::detached);
    }
    asio::co_spawn(state->io, State::Beat(state.get()), asio::detached);
    state->thread = std::thread([running = state.get()] { RunSockets(&running->io); });
    return std::unique_ptr<Server>(new Server(std::move(state)));
  } catch (const std::exception& error) {
    return Unavailable("the server could not start: {}: free descriptors, threads or memory",
                       error.what());
  }
}

}  // namespace augstore
