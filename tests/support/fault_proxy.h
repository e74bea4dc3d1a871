// A network that goes wrong, between a client and a server over TCP.
#ifndef AUGSTORE_TESTS_SUPPORT_FAULT_PROXY_H_
#define AUGSTORE_TESTS_SUPPORT_FAULT_PROXY_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <thread>
#include <utility>

#include "schemas/base/address.h"
#include "schemas/wire/shared_bodies.h"

namespace augstore {

// What becomes of the bytes of one connection, both ways.
struct Fault {
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
  size_t piece = size_t{64} << 10;     // passed on at a time
  std::chrono::microseconds delay{0};  // before each piece
  // After so many bytes of the server the connection ends: both sides see its end, or a reset.
  uint64_t cut_after = kNever;
  bool with_reset = false;
  uint64_t damage_at = kNever;  // the byte of the server of which a bit is flipped
};

// Passes connections on to a server. Thread safety: made and destroyed by one thread.
class FaultProxy {
 public:
  // `plan` says what becomes of the n-th connection.
  FaultProxy(const Address& server, std::function<Fault(size_t)> plan)
      : server_(server), plan_(std::move(plan)), listener_(NewSocket()) {
    sockaddr_in endpoint = Loopback(0);
    socklen_t size = sizeof endpoint;
    auto* const any = reinterpret_cast<sockaddr*>(&endpoint);
    EXPECT_EQ(::bind(listener_.get(), any, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    EXPECT_EQ(::getsockname(listener_.get(), any, &size), 0);
    address_ = server;
    address_.port = ntohs(endpoint.sin_port);
    thread_ = std::thread([this] { Accept(); });
  }
  ~FaultProxy() {
    stopping_ = true;
    thread_.join();
    for (std::thread& connection : connections_) connection.join();
  }
  const Address& address() const { return address_; }
  size_t connections() const { return accepted_; }

 private:
  static constexpr int kTickMs = 20;  // how soon it sees that it is to stop

  static Descriptor NewSocket() {
    return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    endpoint.sin_port = htons(port);
    endpoint.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return endpoint;
  }

  void Accept() {
    while (!stopping_) {
      pollfd entry{listener_.get(), POLLIN, 0};
      if (::poll(&entry, 1, kTickMs) != 1) continue;
      const int client = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      connections_.emplace_back(
          [this, client, fault = plan_(accepted_)] { Pass(Descriptor(client), fault); });
      ++accepted_;
    }
  }

  void Pass(Descriptor client, const Fault& fault) {
    Descriptor server = NewSocket();
    const sockaddr_in endpoint = Loopback(server_.port);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&endpoint), sizeof endpoint) != 0)
      return;
    uint64_t passed = 0;  // of the server
    uint64_t asked = 0;   // of the client
    bool open = true;
    while (open && !stopping_) {
      std::array<pollfd, 2> ends = {pollfd{client.get(), POLLIN, 0},
                                    pollfd{server.get(), POLLIN, 0}};
      if (::poll(ends.data(), ends.size(), kTickMs) <= 0) continue;
      if (ends[0].revents != 0) open = Move(client, server, {fault.piece, fault.delay}, &asked);
      if (ends[1].revents != 0 && open) open = Move(server, client, fault, &passed);
    }
    if (fault.with_reset && passed >= fault.cut_after) {
      const linger now{1, 0};
      ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
  }

  // Passes one piece on. False: the connection ends here.
  static bool Move(const Descriptor& from, const Descriptor& to, const Fault& fault,
                   uint64_t* passed) {
    std::array<uint8_t, size_t{64} << 10> bytes;
    const size_t most = std::min<uint64_t>({fault.piece, bytes.size(), fault.cut_after - *passed});
    const ssize_t count = ::recv(from.get(), bytes.data(), most, 0);
    if (count <= 0) return false;
    const auto size = static_cast<size_t>(count);
    if (fault.damage_at >= *passed && fault.damage_at < *passed + size)
      bytes[fault.damage_at - *passed] ^= 0x10;
    if (fault.delay.count() > 0) std::this_thread::sleep_for(fault.delay);
    for (size_t sent = 0; sent < size;) {
      const ssize_t part = ::send(to.get(), bytes.data() + sent, size - sent, MSG_NOSIGNAL);
      if (part <= 0) return false;
      sent += static_cast<size_t>(part);
    }
    *passed += size;
    return *passed < fault.cut_after;
  }

  const Address server_;
  const std::function<Fault(size_t)> plan_;
  const Descriptor listener_;
  Address address_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> accepted_{0};
  std::list<std::thread> connections_;
  std::thread thread_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_FAULT_PROXY_H_
