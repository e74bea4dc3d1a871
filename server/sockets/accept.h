// Internal to the server folder: a thread of sockets, taking connections, and who may be
// served without a key.
#ifndef AUGSTORE_SERVER_SOCKETS_ACCEPT_H_
#define AUGSTORE_SERVER_SOCKETS_ACCEPT_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>

#include "server/access/principal.h"
#include "server/sockets/peer.h"
#include "server/sockets/transport.h"

namespace augstore {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

// Runs `io` until it has no more work, on the calling thread. An exception of a handler is logged.
void RunSockets(boost::asio::io_context* io);

// Hands each connection to `take`, until the acceptor is closed; it must outlive that. An error of
// accepting is logged, and tried again after a pause.
boost::asio::awaitable<void> AcceptUntilClosed(Acceptor* acceptor,
                                               std::function<void(Transport::Socket)> take);

// Who is at the other end: the store's user or root at a Unix socket, anybody at a server that
// demands no keys; null: whoever presents a key. Errors: kPermissionDenied (another user of a Unix
// socket).
Result<PrincipalPointer> AdmitPeer(const Peer& peer, bool insecure);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_ACCEPT_H_
