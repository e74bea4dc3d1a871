#include "server/sockets/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace augstore {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kBacklog = 1024;  // many ranks may connect at once

std::string Reason(int error) { return std::system_category().message(error); }

Status CannotListen(const Address& address, int error) {
  return Unavailable("cannot listen at {}: {}: stop the process that uses it, or choose another",
                     address.ToString(), Reason(error));
}

Status OthersReachIt(const Address& address) {
  return InvalidArgument(
      "cannot listen at {}: other machines could reach it without TLS, so its traffic could be "
      "read: use tls://, a loopback address or a Unix socket (--insecure allows it all the same)",
      address.ToString());
}

bool IsLoopback(const sockaddr* endpoint) {
  if (endpoint->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(endpoint);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(endpoint);
  return endpoint->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

// A new socket that listens at `endpoint`, or the errno (negative).
int ListenAt(const sockaddr* endpoint, socklen_t size) {
  const int fd = ::socket(endpoint->sa_family, kSocketFlags, 0);
  if (fd < 0) return -errno;
  // A server that restarts must not wait for its old connections' TIME_WAIT.
  const int on = 1;
  if (endpoint->sa_family != AF_UNIX) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = ::bind(fd, endpoint, size) == 0;
  // The mode is set before listen(), and a connection takes listen(): so other users can connect to
  // a Unix socket at no moment.
  const bool is_private =
      bound && (endpoint->sa_family != AF_UNIX ||
                ::chmod(reinterpret_cast<const sockaddr_un*>(endpoint)->sun_path, 0600) == 0);
  if (is_private && ::listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

Address BoundAddress(int fd, Address::Kind kind) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  char host[NI_MAXHOST] = {};
  char port[NI_MAXSERV] = {};
  ::getnameinfo(reinterpret_cast<sockaddr*>(&storage), size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  return {kind, host, static_cast<uint16_t>(std::atoi(port)), ""};
}

sockaddr_un UnixEndpoint(const std::string& path) {
  sockaddr_un endpoint{};
  endpoint.sun_family = AF_UNIX;
  std::memcpy(endpoint.sun_path, path.data(), path.size());
  return endpoint;
}

// Removes the file of a socket on which no process listens any more. Ok if there is no file.
Status ClearStaleFile(const Address& address) {
  struct stat info {};
  if (::lstat(address.path.c_str(), &info) != 0) {
    return errno == ENOENT ? OkStatus() : CannotListen(address, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return InvalidArgument(
        "cannot listen at {}: the file exists and is not a socket: remove it, or choose another "
        "path",
        address.ToString());
  }
  const int probe = ::socket(AF_UNIX, kSocketFlags, 0);
  if (probe < 0) return CannotListen(address, errno);
  const sockaddr_un endpoint = UnixEndpoint(address.path);
  const int connected =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint);
  const int error = connected == 0 ? EADDRINUSE : errno;
  ::close(probe);
  // A full backlog (EAGAIN) also means that a process listens.
  if (error != ECONNREFUSED) return CannotListen(address, error == EAGAIN ? EADDRINUSE : error);
  if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) return CannotListen(address, errno);
  return OkStatus();
}

}  // namespace

Result<Listener> Listener::Open(const Address& address, bool others_may_reach_it) {
  if (!others_may_reach_it && !address.IsLoopback()) return OthersReachIt(address);
  return address.kind == Address::Kind::kUnix ? OpenUnix(address)
                                              : OpenTcp(address, others_may_reach_it);
}

Result<Listener> Listener::OpenTcp(const Address& address, bool others_may_reach_it) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return Unavailable("cannot listen at {}: {}: use a loopback address such as 127.0.0.1",
                       address.ToString(), ::gai_strerror(failed));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (!others_may_reach_it && !IsLoopback(entry->ai_addr)) return OthersReachIt(address);
    const int fd = ListenAt(entry->ai_addr, entry->ai_addrlen);
    if (fd >= 0) return Listener(fd, entry->ai_family, BoundAddress(fd, address.kind));
    error = -fd;
  }
  return CannotListen(address, error);
}

Result<Listener> Listener::OpenUnix(const Address& address) {
  const size_t limit = sizeof(sockaddr_un::sun_path) - 1;
  if (address.path.empty() || address.path.size() > limit) {
    return InvalidArgument(
        "cannot listen at '{}': the path of a Unix socket has 1 to {} bytes, this one {}",
        address.path, limit, address.path.size());
  }
  AUGSTORE_TRY(ClearStaleFile(address));
  const sockaddr_un endpoint = UnixEndpoint(address.path);
  const int fd = ListenAt(reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint);
  if (fd < 0) return CannotListen(address, -fd);
  Listener listener(fd, AF_UNIX, address);
  struct stat info {};
  if (::lstat(address.path.c_str(), &info) == 0) {
    listener.owns_file_ = true;
    listener.file_device_ = info.st_dev;
    listener.file_inode_ = info.st_ino;
  }
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      family_(other.family_),
      address_(std::move(other.address_)),
      owns_file_(std::exchange(other.owns_file_, false)),
      file_device_(other.file_device_),
      file_inode_(other.file_inode_) {}

Listener::~Listener() {
  if (owns_file_) {
    // Another server may have replaced the file in the meantime: that one stays.
    struct stat info {};
    if (::lstat(address_.path.c_str(), &info) == 0 && info.st_dev == file_device_ &&
        info.st_ino == file_inode_) {
      ::unlink(address_.path.c_str());
    }
  }
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace augstore
