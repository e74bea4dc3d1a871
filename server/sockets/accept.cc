#include "server/sockets/accept.h"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "server/sockets/log.h"

namespace augstore {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Without descriptors every accept fails at once: the pause keeps that from taking a core.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

void RunSockets(asio::io_context* io) {
  for (;;) {
    try {
      io->run();
      return;
    } catch (const std::exception& error) {
      Log().error("a thread of sockets caught: {}: it continues", error.what());
    }
  }
}

asio::awaitable<void> AcceptUntilClosed(Acceptor* acceptor,
                                        std::function<void(Transport::Socket)> take) {
  asio::steady_timer pause(acceptor->get_executor());
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(kAwait);
    if (!acceptor->is_open()) break;
    if (!error) {
      take(std::move(socket));
    } else if (error != asio::error::connection_aborted) {
      Log().warn("a connection cannot be accepted: {}: trying again", error.message());
      pause.expires_after(kPause);
      co_await pause.async_wait(kAwait);
    }
  }
}

Result<PrincipalPointer> AdmitPeer(const Peer& peer, bool insecure) {
  if (peer.uid.has_value()) {
    if (*peer.uid == ::geteuid() || *peer.uid == 0) return Owner(*peer.uid, peer.text);
    return PermissionDenied(
        "this socket is for uid {} and root, not for uid {}: use a TCP address and a key",
        ::geteuid(), *peer.uid);
  }
  if (!insecure) return PrincipalPointer();
  return PrincipalPointer(
      std::make_shared<Principal>(Principal{"anybody", peer.text, Role::kAdmin, "", nullptr}));
}

}  // namespace augstore
