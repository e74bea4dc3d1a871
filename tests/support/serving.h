// A server on real sockets over a filled store, and sockets without a client around them.
#ifndef AUGSTORE_TESTS_SUPPORT_SERVING_H_
#define AUGSTORE_TESTS_SUPPORT_SERVING_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/wire/descriptor_passing.h"
#include "server/sockets/server.h"
#include "tests/support/eventually.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {

// A server at a TCP port that the system chose, at a Unix socket, and with a certificate in TLS.
class Serving {
 public:
  explicit Serving(ServerOptions options = {}, uint64_t content = 0, uint64_t message_bytes = 0)
      : filled(content),
        service(filled.catalog.get(), {.address = "test", .message_bytes = message_bytes}),
        options_(std::move(options)) {
    options_.insecure = true;
    if (options_.workers == 0) options_.workers = 2;
    options_.listen = {{Address::Kind::kTcp, "127.0.0.1", 0, ""},
                       {Address::Kind::kUnix, "", 0, dir_.path() + "/server.sock"}};
    if (!options_.tls.certificate.empty())
      options_.listen.push_back({Address::Kind::kTls, "127.0.0.1", 0, ""});
    Start();
  }
  // Again at the same addresses after Stop.
  void Start() {
    Result<std::unique_ptr<Server>> started = Server::Start(&service, options_);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server = std::move(started).value();
    options_.listen = server->addresses();
  }
  void Stop() { server->Stop(); }
  const Address& tcp() const { return options_.listen[0]; }
  const Address& unix_socket() const { return options_.listen[1]; }
  const Address& tls() const { return options_.listen[2]; }

  FilledStore filled;
  Service service;
  std::unique_ptr<Server> server;

 private:
  TempDir dir_;
  ServerOptions options_;
};

// A connected socket, blocking, with kTestPatience on every wait.
class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd), reader_(kMaxReplyBytes) { SetPatience(); }
  explicit RawSocket(const Address& address) : fd_(-1), reader_(kMaxReplyBytes) {
    if (address.kind == Address::Kind::kUnix) {
      sockaddr_un endpoint{};
      endpoint.sun_family = AF_UNIX;
      std::memcpy(endpoint.sun_path, address.path.data(), address.path.size());
      Connect(AF_UNIX, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint);
    } else {
      sockaddr_in endpoint{};
      endpoint.sin_family = AF_INET;
      endpoint.sin_port = htons(address.port);
      ::inet_pton(AF_INET, address.host.c_str(), &endpoint.sin_addr);
      Connect(AF_INET, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint);
    }
    SetPatience();
  }
  RawSocket(RawSocket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), reader_(kMaxReplyBytes) {}
  ~RawSocket() { Close(); }

  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void FinishSending() { ::shutdown(fd_, SHUT_WR); }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;  // the peer left, which the next read finds
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void Send(const Frame& frame) {
    const auto header = SealHeader(frame);
    Send({reinterpret_cast<const char*>(header.data()), header.size()});
    Send(frame.body.text());
  }
  // The next frame; nothing when the peer closed the connection between two frames. Files that come
  // along are for `fds`, if given.
  Result<std::optional<Frame>> Receive(std::array<Descriptor, 2>* fds = nullptr) {
    for (;;) {
      Result<std::optional<Frame>> next = reader_.Next();
      if (!next.ok() || next->has_value()) return next;
      const std::span<uint8_t> space = reader_.Prepare();
      const ssize_t count = fds != nullptr ? ReceiveWithDescriptors(fd_, space, fds)
                                           : ::recv(fd_, space.data(), space.size(), 0);
      if (count < 0) return Unavailable("recv: {}", std::strerror(errno));
      if (count == 0 && reader_.InFrame()) return Unavailable("the peer left in mid-frame");
      if (count == 0) return std::optional<Frame>();
      reader_.Commit(static_cast<size_t>(count));
    }
  }
  // Bytes that are no frame; empty when the peer has closed the connection.
  std::string ReceiveSome() {
    std::array<char, 4096> space;
    const ssize_t count = ::recv(fd_, space.data(), space.size(), 0);
    return {space.data(), static_cast<size_t>(std::max<ssize_t>(0, count))};
  }
  // Passes the descriptor to the caller.
  int Release() { return std::exchange(fd_, -1); }
  // Waits until the peer has closed the connection, without reading anything.
  bool WaitForHangUp() { return HasHungUp(kTestPatience); }
  bool HasHungUp(std::chrono::milliseconds patience = {}) {
    pollfd entry{fd_, POLLRDHUP, 0};
    return ::poll(&entry, 1, static_cast<int>(patience.count())) == 1;
  }

 private:
  void Connect(int family, const sockaddr* endpoint, socklen_t size) {
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd_, endpoint, size), 0) << std::strerror(errno);
    // A frame is sent in two parts: else the second waits 40 ms until the first is acknowledged.
    const int on = 1;
    if (family == AF_INET) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  void SetPatience() {
    const timeval patience{kTestPatience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  int fd_;
  FrameReader reader_;
};

// Listens at a Unix socket and leaves everything else to the test.
class RawListener {
 public:
  RawListener() : address_{Address::Kind::kUnix, "", 0, dir_.path() + "/raw.sock"} {
    sockaddr_un endpoint{};
    endpoint.sun_family = AF_UNIX;
    std::memcpy(endpoint.sun_path, address_.path.data(), address_.path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
  }
  ~RawListener() { ::close(fd_); }
  const Address& address() const { return address_; }
  RawSocket Accept() { return RawSocket(::accept(fd_, nullptr, nullptr)); }

 private:
  TempDir dir_;
  Address address_;
  int fd_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_SERVING_H_
