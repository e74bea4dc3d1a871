// Internal to the server folder: who is at the other end of a socket.
#ifndef AUGSTORE_SERVER_SOCKETS_PEER_H_
#define AUGSTORE_SERVER_SOCKETS_PEER_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace augstore {

struct Peer {
  std::string text;          // "tcp 10.0.0.5:40122", "unix pid 4711"
  std::string host;          // of TCP, what failures are counted by: an IPv4 address, an IPv6 /64
  std::optional<uid_t> uid;  // of a Unix socket, as the system says
};

// `socket` is connected.
Peer PeerOf(int socket);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_PEER_H_
