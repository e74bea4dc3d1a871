#include "server/sockets/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

#include "schemas/wire/descriptor_passing.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::StartsWith;

// The accepted end of a connection to a new listener at `endpoint`.
template <typename Endpoint>
Peer Connected(Endpoint endpoint) {
  auto* address = reinterpret_cast<sockaddr*>(&endpoint);
  socklen_t size = sizeof endpoint;
  const Descriptor listener(::socket(address->sa_family, SOCK_STREAM, 0));
  const Descriptor client(::socket(address->sa_family, SOCK_STREAM, 0));
  EXPECT_EQ(::bind(listener.get(), address, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), address, &size), 0);
  EXPECT_EQ(::connect(client.get(), address, size), 0);
  return PeerOf(Descriptor(::accept(listener.get(), nullptr, nullptr)).get());
}

TEST(Peer, OfTcpHasAnAddressAndNoUser) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Peer peer = Connected(v4);
  EXPECT_THAT(peer.text, StartsWith("tcp 127.0.0.1:"));
  EXPECT_EQ(peer.host, "127.0.0.1");
  EXPECT_FALSE(peer.uid.has_value());
}

TEST(Peer, OfIpv6IsCountedByItsNetwork) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  const Descriptor probe(::socket(AF_INET6, SOCK_STREAM, 0));
  if (probe.get() < 0 || ::bind(probe.get(), reinterpret_cast<sockaddr*>(&v6), sizeof v6) != 0) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  const Peer peer = Connected(v6);
  EXPECT_THAT(peer.text, StartsWith("tcp [::1]:"));
  EXPECT_EQ(peer.host, "::") << "::1 without its last 64 bits";
}

TEST(Peer, OfAUnixSocketIsAUser) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  const Descriptor one(pair[0]);
  const Descriptor other(pair[1]);
  const Peer peer = PeerOf(one.get());
  EXPECT_EQ(peer.uid, ::geteuid());
  EXPECT_EQ(peer.text, "unix pid " + std::to_string(::getpid()));
}

TEST(Peer, KnowsThisEndToo) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof v4;
  const Descriptor tcp(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(tcp.get(), reinterpret_cast<sockaddr*>(&v4), size), 0);
  ASSERT_EQ(::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&v4), &size), 0);
  EXPECT_EQ(OwnEndOf(tcp.get()).address, "127.0.0.1");
  EXPECT_EQ(OwnEndOf(tcp.get()).port, ntohs(v4.sin_port));
  const TempDir folder;
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  const std::string name = folder.path() + "/s";
  name.copy(path.sun_path, sizeof path.sun_path - 1);
  const Descriptor unix_socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(unix_socket.get(), reinterpret_cast<sockaddr*>(&path), sizeof path), 0);
  EXPECT_EQ(OwnEndOf(unix_socket.get()).address, name);
  EXPECT_EQ(OwnEndOf(unix_socket.get()).port, 0);
  EXPECT_EQ(OwnEndOf(-1).address, "");
}

TEST(Peer, ThatIsGoneIsSaidToBe) {
  const Descriptor lone(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(PeerOf(lone.get()).text, "gone");
}

}  // namespace
}  // namespace augstore
