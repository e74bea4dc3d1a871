#include "client/socket_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "schemas/wire/messages.h"
#include "tests/support/certificates.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Channel> Connected(const Address& address, const SocketOptions& options = {}) {
  Result<std::unique_ptr<Channel>> channel = ConnectSocket(address, options);
  EXPECT_TRUE(channel.ok()) << channel.status().ToString();
  return std::move(channel).value();
}

std::string Wire(const Frame& frame) {
  const auto header = SealHeader(frame);
  return std::string(header.begin(), header.end()) + std::string(frame.body.text());
}

TEST(SocketChannel, SaysWhereNobodyListens) {
  const TempDir dir;
  const Address addresses[] = {{Address::Kind::kUnix, "", 0, dir.path() + "/none.sock"},
                               {Address::Kind::kTcp, "127.0.0.1", 1, ""}};
  for (const Address& address : addresses) {
    const auto channel = ConnectSocket(address);
    EXPECT_EQ(channel.status().code(), Code::kUnavailable);
    EXPECT_THAT(channel.status().message(), HasSubstr(address.ToString()));
  }
}

TEST(SocketChannel, RefusesAUnixPathThatDoesNotFit) {
  EXPECT_EQ(ConnectSocket({Address::Kind::kUnix, "", 0, std::string(200, 'x')}).status().code(),
            Code::kInvalidArgument);
}

TEST(SocketChannel, CarriesRequestsAndReplies) {
  Serving serving;
  for (const Address& address : {serving.tcp(), serving.unix_socket()}) {
    const auto channel = Connected(address);
    for (uint32_t id = 1; id < 5; ++id) {
      ASSERT_TRUE(channel->Send(ToFrame(ServerInfoRequest{}, id)).ok());
      const auto reply = channel->Receive();
      ASSERT_TRUE(reply.ok()) << reply.status().ToString();
      EXPECT_EQ(reply->request_id, id);
    }
  }
}

TEST(SocketChannel, CarriesRequestsAndRepliesInTls) {
  const Certificates certificates;
  Serving serving({.tls = certificates.Server()});
  const auto channel = Connected(serving.tls(), {.tls = certificates.TrustedByClients()});
  for (uint32_t id = 1; id < 5; ++id) {
    ASSERT_TRUE(channel->Send(ToFrame(ServerInfoRequest{}, id)).ok());
    const auto reply = channel->Receive();
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->request_id, id);
  }
  serving.Stop();
  const Status gone = channel->Send(ToFrame(ServerInfoRequest{}, 5));
  EXPECT_EQ(gone.code(), Code::kUnavailable)
      << "it was closed before the request went: " << gone.ToString();
}

TEST(SocketChannel, TakesFilesForTlsFromTheEnvironment) {
  const Certificates certificates;
  Serving serving({.tls = certificates.Server()});
  EXPECT_EQ(ConnectSocket(serving.tls()).status().code(), Code::kUnauthenticated);
  ::setenv("AUGSTORE_TLS_CA", certificates.ca().c_str(), 1);
  EXPECT_TRUE(ConnectSocket(serving.tls()).ok());
  ::setenv("AUGSTORE_TLS_CERT", "/nowhere.pem", 1);
  const auto refused = ConnectSocket(serving.tls());
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  ::unsetenv("AUGSTORE_TLS_CERT");
  ::unsetenv("AUGSTORE_TLS_CA");
}

// Listens at a TCP port and answers nothing.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    endpoint.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof endpoint;
    auto* const any = reinterpret_cast<sockaddr*>(&endpoint);
    EXPECT_EQ(::bind(fd_.get(), any, size), 0);
    EXPECT_EQ(::listen(fd_.get(), 8), 0);
    EXPECT_EQ(::getsockname(fd_.get(), any, &size), 0);
    address_ = {Address::Kind::kTls, "127.0.0.1", ntohs(endpoint.sin_port), ""};
  }
  const Address& address() const { return address_; }
  int fd() const { return fd_.get(); }

 private:
  const Descriptor fd_;
  Address address_;
};

TEST(SocketChannel, GivesUpOnAHandshakeThatDoesNotEnd) {
  const SilentListener listener;
  const auto channel =
      ConnectSocket(listener.address(), {.connect_timeout = std::chrono::milliseconds(20)});
  EXPECT_EQ(channel.status().code(), Code::kUnavailable);
  EXPECT_THAT(channel.status().message(), HasSubstr("its TLS handshake took longer than 20 ms"));
}

TEST(SocketChannel, SaysThatThePeerLeftDuringTheHandshake) {
  const SilentListener listener;
  std::thread server([&] { RawSocket(::accept(listener.fd(), nullptr, nullptr)).FinishSending(); });
  const auto channel = ConnectSocket(listener.address());
  server.join();
  EXPECT_EQ(channel.status().code(), Code::kUnavailable) << channel.status().ToString();
}

TEST(SocketChannel, HasDeadlinesAndInterruptsInTls) {
  const Certificates certificates;
  Serving serving({.tls = certificates.Server()});
  const TlsFiles trusted = certificates.TrustedByClients();
  const auto hasty =
      Connected(serving.tls(), {.io_timeout = std::chrono::milliseconds(10), .tls = trusted});
  EXPECT_EQ(hasty->Receive().status().code(), Code::kDeadlineExceeded);
  const auto channel = Connected(serving.tls(), {.tls = trusted});
  std::thread other([&] { channel->Interrupt(); });
  EXPECT_EQ(channel->Receive().status().code(), Code::kUnavailable);
  other.join();
}

Frame RequestRun(uint32_t id) { return ToFrame(BatchesRequest{{}, {}, 0, 0, 1}, id); }

TEST(SocketChannel, GoesOnWithAServerThatSharesNoMemory) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  std::thread server([&] {
    EXPECT_EQ(peer.Receive()->value().type, MessageType::kShareMemoryRequest);
    peer.Send(ErrorFrame(InvalidArgument("message type 20 is unknown"), 5));
    EXPECT_EQ(peer.Receive()->value().type, MessageType::kBatchesRequest);
    peer.Send(ToFrame(EndReply{}, 5));
    EXPECT_EQ(peer.Receive()->value().type, MessageType::kBatchesRequest);  // asked once
    peer.Send(ToFrame(EndReply{}, 6));
  });
  for (const uint32_t id : {5u, 6u}) {
    ASSERT_TRUE(channel->Send(RequestRun(id)).ok());
    const auto reply = channel->Receive();
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->type, MessageType::kEndReply);
  }
  server.join();
}

TEST(SocketChannel, GivesTheLastWordsOfAServerThatIsFull) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  peer.Send(ErrorFrame(ResourceExhausted("full"), 0));
  ASSERT_TRUE(channel->Send(RequestRun(5)).ok());
  const auto reply = channel->Receive();
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->request_id, 0u);
  EXPECT_EQ(ExpectType(*reply, MessageType::kEndReply).message(), "full");
}

TEST(SocketChannel, GoesOnWithoutDescriptorsThatDidNotCome) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  peer.Send(ToFrame(ShareMemoryReply{1 << 20, 16}, 5));
  peer.Send(ToFrame(EndReply{}, 5));
  ASSERT_TRUE(channel->Send(RequestRun(5)).ok());
  EXPECT_EQ(channel->Receive()->type, MessageType::kEndReply);
}

TEST(SocketChannel, CarriesABodyLargerThanAnySocketBuffer) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  const Frame large{MessageType::kAddRecordRequest, 8,
                    SharedBytes::FromString(std::string(20 << 20, 'z'))};
  std::thread echo([&] {
    const auto frame = peer.Receive();
    ASSERT_TRUE(frame.ok() && frame->has_value());
    peer.Send(**frame);
  });
  EXPECT_TRUE(channel->Send(large).ok());
  const auto reply = channel->Receive();
  echo.join();
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_TRUE(reply->body.text() == large.body.text());
}

TEST(SocketChannel, TakesFramesThatComeInOnePiece) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  peer.Send(Wire(ToFrame(EndReply{}, 1)) + Wire(ToFrame(EndReply{}, 2)));
  EXPECT_EQ(channel->Receive()->request_id, 1u);
  EXPECT_EQ(channel->Receive()->request_id, 2u);
}

TEST(SocketChannel, SaysThatThePeerIsGone) {
  RawListener listener;
  const std::string frame = Wire(ToFrame(RowIdsReply{{1, 2, 3}}, 1));
  for (const size_t length : {size_t{0}, size_t{10}, kFrameHeaderBytes, frame.size() - 1}) {
    const auto channel = Connected(listener.address());
    RawSocket peer = listener.Accept();
    peer.Send(frame.substr(0, length));
    peer.Close();
    const auto reply = channel->Receive();
    EXPECT_EQ(reply.status().code(), Code::kUnavailable) << length;
    EXPECT_EQ(reply.status().message().find("middle") != std::string::npos, length > 0);
    EXPECT_EQ(channel->Receive().status().code(), Code::kUnavailable);
    EXPECT_EQ(channel->Send(ToFrame(StatsRequest{})).code(), Code::kUnavailable);
  }
}

TEST(SocketChannel, FindsOutBeforeSendingThatAnIdleConnectionWasClosed) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  listener.Accept().Close();
  EXPECT_EQ(channel->Send(ToFrame(StatsRequest{})).code(), Code::kUnavailable);
}

TEST(SocketChannel, ClosesItselfAfterADamagedFrame) {
  RawListener listener;
  std::string damaged = Wire(ToFrame(RowIdsReply{{1, 2, 3}}, 1));
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  for (const auto& [bytes, code] : {std::pair{damaged, Code::kDataLoss},
                                    std::pair{std::string(100, 'H'), Code::kInvalidArgument}}) {
    const auto channel = Connected(listener.address());
    RawSocket peer = listener.Accept();
    peer.Send(bytes);
    EXPECT_EQ(channel->Receive().status().code(), code);
    EXPECT_FALSE(channel->Send(ToFrame(StatsRequest{})).ok());
  }
}

TEST(SocketChannel, GivesUpOnAPeerThatDoesNothing) {
  RawListener listener;
  const SocketOptions hasty{.io_timeout = std::chrono::milliseconds(10)};
  const auto reading = Connected(listener.address(), hasty);
  EXPECT_EQ(reading->Receive().status().code(), Code::kDeadlineExceeded);
  const auto writing = Connected(listener.address(), hasty);
  const Frame large{MessageType::kAddRecordRequest, 8,
                    SharedBytes::FromString(std::string(20 << 20, 'z'))};
  EXPECT_EQ(writing->Send(large).code(), Code::kDeadlineExceeded);
}

TEST(SocketChannel, CanBeInterruptedWhileItWaits) {
  RawListener listener;
  const auto channel = Connected(listener.address());
  RawSocket peer = listener.Accept();
  std::thread other([&] {
    // The request says that the channel is about to wait for its reply.
    EXPECT_TRUE(peer.Receive().ok());
    channel->Interrupt();
  });
  ASSERT_TRUE(channel->Send(ToFrame(StatsRequest{})).ok());
  EXPECT_EQ(channel->Receive().status().code(), Code::kUnavailable);
  other.join();
}

}  // namespace
}  // namespace augstore
