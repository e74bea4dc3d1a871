// Internal to the server folder: who is at the other end of a socket, and what this end is called.
#ifndef AUGSTORE_SERVER_SOCKETS_PEER_H_
#define AUGSTORE_SERVER_SOCKETS_PEER_H_

#include <sys/types.h>

#include <cstdint>
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

// This end of it.
struct OwnEnd {
  std::string address;  // of IP, or a Unix socket's path; empty: not known
  uint16_t port = 0;    // of TCP
};
OwnEnd OwnEndOf(int socket);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_PEER_H_
