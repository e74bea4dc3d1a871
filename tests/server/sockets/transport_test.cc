// A server in TLS, and what its peers can do to it.
#include "server/sockets/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "client/client.h"
#include "client/socket_channel.h"
#include "schemas/wire/messages.h"
#include "tests/support/ask.h"
#include "tests/support/certificates.h"
#include "tests/support/raw_tls.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class TransportTest : public testing::Test {
 protected:
  ServerOptions Options() const { return {.tls = files_}; }
  SocketOptions Trusting() const { return {.tls = certificates_.TrustedByClients()}; }
  Result<std::unique_ptr<Client>> Connect(const Address& address) const {
    return Client::Connect(address.ToString(), {.total = milliseconds(0)}, "", Trusting());
  }
  // Whose certificate a new connection gets.
  std::string NameAt(const Address& address) const {
    std::string name;
    RawTls peer(Dial(address), false, {}, [&](SSL* ssl) { name = PeerName(ssl); });
    EXPECT_TRUE(peer.Join());
    return name;
  }
  static int Dial(const Address& address) {
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    endpoint.sin_port = htons(address.port);
    endpoint.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint), 0);
    return fd;
  }

  const Certificates certificates_;
  const TlsFiles files_ = certificates_.Server();
};

TEST_F(TransportTest, GivesTheSameBatchesOverTlsAsOverTcp) {
  Serving serving(Options());
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  std::vector<std::vector<uint8_t>> epochs;
  for (const Address& address : {serving.tcp(), serving.tls()}) {
    const auto client = Connect(address);
    ASSERT_TRUE(client.ok()) << Text(client);
    const auto stream = (*client)->OpenStream({.collection = "wide", .batch_size = 48});
    ASSERT_TRUE(stream.ok()) << Text(stream);
    std::vector<uint8_t>& bytes = epochs.emplace_back();
    for (const Result<Batch>& batch : (*stream)->Epoch(1)) {
      ASSERT_TRUE(batch.ok()) << Text(batch);
      bytes.insert(bytes.end(), batch->memory.bytes.begin(), batch->memory.bytes.end());
    }
  }
  EXPECT_GT(epochs[0].size(), kWideSamples * kWideDim * sizeof(float));
  EXPECT_TRUE(epochs[0] == epochs[1]);
}

TEST_F(TransportTest, TakesALargeRequestAndRefusesToShareMemory) {
  Serving serving(Options());
  const auto channel = ConnectSocket(serving.tls(), Trusting());
  ASSERT_TRUE(channel.ok()) << channel.status().ToString();
  const std::string blob(20 << 20, 'z');
  ASSERT_TRUE((*channel)
                  ->Send(Frame{MessageType::kAddRecordRequest, 8, SharedBytes::FromString(blob)})
                  .ok());
  const auto refused = (*channel)->Receive();
  ASSERT_TRUE(refused.ok()) << refused.status().ToString();
  EXPECT_EQ(ExpectType(*refused, MessageType::kRecordReply).code(), Code::kInvalidArgument);
  ASSERT_TRUE((*channel)->Send(ToFrame(ShareMemoryRequest{}, 9)).ok());
  const auto shared = (*channel)->Receive();
  ASSERT_TRUE(shared.ok()) << shared.status().ToString();
  EXPECT_EQ(ExpectType(*shared, MessageType::kShareMemoryReply).code(), Code::kFailedPrecondition);
}

TEST_F(TransportTest, ClosesAPeerThatStallsInTheHandshake) {
  ServerOptions options = Options();
  options.frame_timeout = milliseconds(100);
  Serving serving(options);
  RawSocket silent(serving.tls());
  RawSocket half(serving.tls());
  half.Send(std::string_view("\x16\x03\x01\x02\x00\x01\x00", 7));
  EXPECT_TRUE(silent.WaitForHangUp());
  EXPECT_TRUE(half.WaitForHangUp());
  RawSocket trickle(serving.tls());
  for (size_t i = 0; !trickle.HasHungUp(); ++i) {
    ASSERT_LT(i, 6000u);
    trickle.Send(i == 0 ? std::string_view("\x16") : std::string_view("\x03"));
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_TRUE(Eventually([&] { return serving.server->connections() == 0; }));
  EXPECT_TRUE(Connect(serving.tls()).ok());
}

TEST_F(TransportTest, DoesNotTakeAHandshakeForAnIdleConnection) {
  ServerOptions options = Options();
  options.max_connections = 1;
  options.least_idle = milliseconds(0);
  Serving serving(options);
  RawSocket silent(serving.tls());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 1; }));
  const auto refused = Connect(serving.tls());
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted) << Text(refused);
  EXPECT_FALSE(silent.HasHungUp());
}

TEST_F(TransportTest, TellsBothSidesThatOneOfThemDoesNotSpeakTls) {
  Serving serving(Options());
  Address plain = serving.tls();
  plain.kind = Address::Kind::kTcp;
  const auto client = Connect(plain);
  EXPECT_EQ(client.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(client.status().message(), HasSubstr("write tls:// instead of tcp://"));
  Address encrypted = serving.tcp();
  encrypted.kind = Address::Kind::kTls;
  const auto other = Connect(encrypted);
  EXPECT_EQ(other.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(other.status().message(), HasSubstr("write tcp:// instead of tls://"));
}

TEST_F(TransportTest, LetsClientsReadWhyTheyAreRefused) {
  ServerOptions options = Options();
  options.tls.ca = certificates_.ca();
  Serving serving(options);
  const auto refused = Connect(serving.tls());
  EXPECT_EQ(refused.status().code(), Code::kUnauthenticated) << Text(refused);
  EXPECT_THAT(refused.status().message(), HasSubstr("wants a certificate of its clients"));
  SocketOptions known = Trusting();
  const TlsFiles own = certificates_.Issue("trainer", "DNS:trainer");
  known.tls.certificate = own.certificate;
  known.tls.key = own.key;
  const auto client = Client::Connect(serving.tls().ToString(), {}, "", known);
  EXPECT_TRUE(client.ok()) << Text(client);
}

TEST_F(TransportTest, ReloadsItsCertificateWithoutClosingAConnection) {
  Serving serving(Options());
  const auto client = Connect(serving.tls());
  ASSERT_TRUE(client.ok()) << Text(client);
  EXPECT_EQ(NameAt(serving.tls()), "/CN=server");
  const TlsFiles renewed = certificates_.Issue("renewed", "DNS:localhost,IP:127.0.0.1");
  ASSERT_EQ(std::rename(renewed.certificate.c_str(), files_.certificate.c_str()), 0);
  // The new certificate without its key.
  const auto half = serving.server->ReloadTls();
  EXPECT_EQ(half.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(half.status().message(), HasSubstr("is not that of the certificate"));
  EXPECT_EQ(NameAt(serving.tls()), "/CN=server");
  ASSERT_EQ(std::rename(renewed.key.c_str(), files_.key.c_str()), 0);
  const auto reloaded = serving.server->ReloadTls();
  ASSERT_TRUE(reloaded.ok()) << reloaded.status().ToString();
  EXPECT_THAT(*reloaded, HasSubstr("CN=renewed"));
  EXPECT_EQ(NameAt(serving.tls()), "/CN=renewed");
  EXPECT_TRUE((*client)->Call<ServerInfoReply>(ServerInfoRequest{}).ok());
  EXPECT_TRUE(Connect(serving.tls()).ok());
}

TEST_F(TransportTest, SaysGoodbyeToAnIdleConnection) {
  ServerOptions options = Options();
  options.idle_timeout = milliseconds(50);
  Serving serving(options);
  int end = 0;
  RawTls peer(Dial(serving.tls()), false, {}, [&](SSL* ssl) {
    char byte = 0;
    end = SSL_get_error(ssl, SSL_read(ssl, &byte, 1));
  });
  EXPECT_TRUE(peer.Join());
  EXPECT_EQ(end, SSL_ERROR_ZERO_RETURN);  // a notice, not a connection that broke
}

TEST_F(TransportTest, ClosesAPeerThatTakesNothingAndStopsBesideOne) {
  ServerOptions options = Options();
  options.write_timeout = milliseconds(50);
  Serving serving(options);
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const auto stream = Ask<StreamReply>(serving.service,
                                       OpenStreamRequest{{.collection = "wide", .batch_size = 64}});
  const Frame run = ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1u << 20}, 9);
  const auto header = SealHeader(run);
  bool closed = false;
  RawTls stuck(Dial(serving.tls()), false, {}, [&](SSL* ssl) {
    SSL_write(ssl, header.data(), static_cast<int>(header.size()));
    SSL_write(ssl, run.body.bytes.data(), static_cast<int>(run.body.bytes.size()));
    closed = Eventually([&] { return serving.server->connections() == 0; });
  });
  EXPECT_TRUE(stuck.Join());
  EXPECT_TRUE(closed);
  RawSocket silent(serving.tls());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 1; }));
  serving.Stop();
  EXPECT_TRUE(silent.WaitForHangUp());
}

TEST_F(TransportTest, NeedsACertificateForAnAddressInTlsAndTheOtherWayRound) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const Address tls{Address::Kind::kTls, "127.0.0.1", 0, ""};
  const Address tcp{Address::Kind::kTcp, "127.0.0.1", 0, ""};
  for (const ServerOptions& options :
       {ServerOptions{.listen = {tls}}, ServerOptions{.listen = {tcp}, .tls = files_}}) {
    const auto server = Server::Start(&service, options);
    EXPECT_EQ(server.status().code(), Code::kInvalidArgument) << server.status().ToString();
  }
  Serving plain;
  EXPECT_EQ(plain.server->ReloadTls().status().code(), Code::kFailedPrecondition);
}

TEST_F(TransportTest, ListensBeyondLoopbackWithTlsAndDemandsAKey) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto server =
      Server::Start(&service, {.listen = {{Address::Kind::kTls, "0.0.0.0", 0, ""}}, .tls = files_});
  ASSERT_TRUE(server.ok()) << server.status().ToString();
  Address address = (*server)->addresses()[0];
  EXPECT_EQ(address.host, "0.0.0.0");
  address.host = "localhost";
  const auto stranger = Connect(address);
  EXPECT_EQ(stranger.status().code(), Code::kUnauthenticated);
  EXPECT_THAT(stranger.status().message(), HasSubstr("demands a key"));
}

}  // namespace
}  // namespace augstore
