#include "server/sockets/peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

namespace augstore {
namespace {

OwnEnd IpEnd(const sockaddr_storage& endpoint) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (endpoint.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &endpoint, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4.sin_port)};
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &endpoint, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return {text.data(), ntohs(v6.sin6_port)};
}

Peer TcpPeer(const sockaddr_storage& endpoint) {
  const auto [address, port] = IpEnd(endpoint);
  if (endpoint.ss_family == AF_INET) return {fmt::format("tcp {}:{}", address, port), address, {}};
  Peer peer{fmt::format("tcp [{}]:{}", address, port), address, {}};
  sockaddr_in6 v6{};
  std::memcpy(&v6, &endpoint, sizeof v6);
  if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    // Whoever has one address of such a network has all of them.
    std::array<char, INET6_ADDRSTRLEN> text{};
    std::memset(&v6.sin6_addr.s6_addr[8], 0, 8);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    peer.host = text.data();
  }
  return peer;
}

}  // namespace

Peer PeerOf(int socket) {
  sockaddr_storage endpoint{};
  socklen_t size = sizeof endpoint;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&endpoint), &size) != 0) {
    return {"gone", "", {}};
  }
  if (endpoint.ss_family != AF_UNIX) return TcpPeer(endpoint);
  ucred credentials{};
  size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return {"unix", "", {}};
  }
  return {fmt::format("unix pid {}", credentials.pid), "", credentials.uid};
}

OwnEnd OwnEndOf(int socket) {
  sockaddr_storage endpoint{};
  socklen_t size = sizeof endpoint;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&endpoint), &size) != 0) return {};
  if (endpoint.ss_family == AF_UNIX) {
    sockaddr_un path{};
    std::memcpy(&path, &endpoint, sizeof path);
    return {std::string(path.sun_path, ::strnlen(path.sun_path, sizeof path.sun_path)), 0};
  }
  return IpEnd(endpoint);
}

}  // namespace augstore
