#include "schemas/wire/tls_connection.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "schemas/wire/shared_bodies.h"
#include "tests/support/certificates.h"
#include "tests/support/eventually.h"
#include "tests/support/raw_tls.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

struct Sockets {
  Descriptor server;
  Descriptor client;
};

// Two ends, which take few bytes at a time.
Sockets MakeSockets() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  for (const int end : ends) {
    const int bytes = 4096;
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::shared_ptr<const TlsContext> Server(const TlsFiles& files) {
  return TlsContext::ForServer(files).value();
}
std::shared_ptr<const TlsContext> Client(const TlsFiles& files) {
  return TlsContext::ForClient(files).value();
}

// Goes on with `connection` until its handshake is over.
Status Handshake(TlsConnection& connection) {
  Status failed;
  const bool done = Eventually([&] {
    const auto wait = connection.Handshake();
    failed = wait.status();
    return !wait.ok() || *wait == TlsWait::kNothing;
  });
  EXPECT_TRUE(done);
  return failed;
}

// How the handshake of both sides ends.
struct Outcome {
  Status server;
  Status client;
};
Outcome Meet(TlsConnection& server, TlsConnection& client) {
  Outcome outcome;
  bool server_done = false;
  bool client_done = false;
  EXPECT_TRUE(Eventually([&] {
    for (auto [side, status, done] : {std::tuple(&server, &outcome.server, &server_done),
                                      std::tuple(&client, &outcome.client, &client_done)}) {
      if (*done) continue;
      const auto wait = side->Handshake();
      *status = wait.status();
      *done = !wait.ok() || *wait == TlsWait::kNothing;
    }
    return (server_done && client_done) || !outcome.server.ok() || !outcome.client.ok();
  }));
  return outcome;
}

// What arrives at `to` of what `from` sends, both in turns.
Bytes Pass(TlsConnection& from, TlsConnection& to, const Bytes& header, const Bytes& body) {
  const size_t total = header.size() + body.size();
  Bytes received(total);
  size_t sent = 0;
  size_t taken = 0;
  EXPECT_TRUE(Eventually([&] {
    if (sent < total) {
      const size_t of_header = std::min(sent, header.size());
      const auto written = from.Write(
          {std::span(header).subspan(of_header), std::span(body).subspan(sent - of_header)});
      EXPECT_TRUE(written.ok()) << written.status().ToString();
      sent += written->count;
    }
    const auto read = to.Read(std::span(received).subspan(taken));
    EXPECT_TRUE(read.ok()) << read.status().ToString();
    taken += read->count;
    return taken == total;
  }));
  return received;
}

TEST(TlsConnection, PassesBytesOfEverySizeBothWaysThroughASmallSocket) {
  const Certificates certificates;
  const Sockets sockets = MakeSockets();
  TlsConnection server(*Server(certificates.Server()), sockets.server.get());
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "localhost");
  const Outcome outcome = Meet(server, client);
  ASSERT_TRUE(outcome.server.ok() && outcome.client.ok()) << outcome.client.ToString();
  std::mt19937 random(11);
  for (const size_t header_size : {1u, 24u, 16384u, 300'000u}) {
    for (const size_t body_size : {0u, 1u, 16360u, 16361u, 700'000u}) {
      Bytes header(header_size);
      Bytes body(body_size);
      std::generate(header.begin(), header.end(), std::ref(random));
      std::generate(body.begin(), body.end(), std::ref(random));
      Bytes both = header;
      both.insert(both.end(), body.begin(), body.end());
      EXPECT_TRUE(Pass(server, client, header, body) == both) << header_size << " " << body_size;
      EXPECT_TRUE(Pass(client, server, header, body) == both) << header_size << " " << body_size;
    }
  }
}

TEST(TlsConnection, KnowsTheEndOfWhatThePeerSends) {
  const Certificates certificates;
  const Sockets sockets = MakeSockets();
  TlsConnection server(*Server(certificates.Server()), sockets.server.get());
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "127.0.0.1");
  const Outcome outcome = Meet(server, client);
  ASSERT_TRUE(outcome.server.ok() && outcome.client.ok()) << outcome.client.ToString();
  EXPECT_FALSE(*client.IsAtEnd());
  const Bytes last = {1, 2, 3};
  EXPECT_EQ(server.Write({last, {}})->count, 3u);
  EXPECT_EQ(*server.Finish(), TlsWait::kNothing);
  EXPECT_FALSE(*client.IsAtEnd());
  Bytes space(100);
  EXPECT_EQ(client.Read(space)->count, 3u);
  EXPECT_TRUE(client.Read(space)->end);
  EXPECT_TRUE(*client.IsAtEnd());
  ::shutdown(sockets.client.get(), SHUT_RDWR);
  EXPECT_TRUE(server.Read(space)->end);  // without a notice
}

Outcome MeetWith(const TlsFiles& server_files, const TlsFiles& client_files,
                 const std::string& host) {
  const Sockets sockets = MakeSockets();
  TlsConnection server(*Server(server_files), sockets.server.get());
  TlsConnection client(*Client(client_files), sockets.client.get(), host);
  Outcome outcome = Meet(server, client);
  if (outcome.server.ok()) outcome.server = Handshake(server);
  // In TLS 1.3 a client has finished before the server refuses it.
  Bytes space(1);
  if (outcome.client.ok()) outcome.client = client.Read(space).status();
  return outcome;
}

TEST(TlsConnection, SaysWhyAServerIsNotTrusted) {
  const Certificates certificates;
  certificates.MakeAuthority("stranger");
  const TlsFiles server = certificates.Server();
  const TlsFiles trusted = certificates.TrustedByClients();
  const std::tuple<TlsFiles, TlsFiles, std::string, std::string> cases[] = {
      {server, trusted, "example.org", "its certificate is not for the host 'example.org'"},
      {server, trusted, "127.0.0.2", "its certificate is not for the host '127.0.0.2'"},
      {certificates.Issue("named", "DNS:127.0.0.1"), trusted, "127.0.0.1", "is not for the host"},
      {server, {certificates.File("stranger.pem"), "", ""}, "localhost", "--tls-ca"},
      {server, {}, "localhost", "comes from no authority that is trusted here"},
  };
  for (const auto& [server_files, client_files, host, reason] : cases) {
    const Outcome outcome = MeetWith(server_files, client_files, host);
    EXPECT_EQ(outcome.client.code(), Code::kUnauthenticated) << outcome.client.ToString();
    EXPECT_THAT(outcome.client.message(), HasSubstr(reason));
    EXPECT_THAT(outcome.server.message(), HasSubstr("alert"));  // the server is told, too
  }
}

TEST(TlsConnection, WantsCertificatesOfClientsFromItsAuthorities) {
  const Certificates certificates;
  certificates.MakeAuthority("stranger");
  TlsFiles server = certificates.Server();
  server.ca = certificates.ca();
  TlsFiles known = certificates.Issue("trainer", "DNS:trainer");
  TlsFiles unknown = certificates.Issue("intruder", "DNS:intruder", "stranger");
  known.ca = unknown.ca = certificates.ca();
  const Outcome without = MeetWith(server, certificates.TrustedByClients(), "localhost");
  EXPECT_EQ(without.client.code(), Code::kUnauthenticated);
  EXPECT_THAT(without.client.message(), HasSubstr("--tls-cert"));
  EXPECT_THAT(without.server.message(), HasSubstr("it has no certificate"));
  const Outcome strange = MeetWith(server, unknown, "localhost");
  EXPECT_EQ(strange.client.code(), Code::kUnauthenticated) << strange.client.ToString();
  EXPECT_THAT(strange.client.message(), HasSubstr("does not accept this client's certificate"));
  EXPECT_THAT(strange.server.message(), HasSubstr("its certificate is not accepted"));
  const Outcome good = MeetWith(server, known, "localhost");
  EXPECT_TRUE(good.client.ok()) << good.client.ToString();
  EXPECT_TRUE(good.server.ok()) << good.server.ToString();
}

TEST(TlsConnection, DoesNotTrustAServerWhoseCertificateHasExpired) {
  const Certificates certificates;
  const TlsFiles expired = certificates.IssueExpired("old", "DNS:localhost");
  Sockets sockets = MakeSockets();
  RawTls server(::dup(sockets.server.get()), true, {.own = expired});
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "localhost");
  const Status refused = Handshake(client);
  EXPECT_EQ(refused.code(), Code::kUnauthenticated);
  EXPECT_THAT(refused.message(), HasSubstr("its certificate has expired"));
}

TEST(TlsConnection, RefusesTls11OnBothSides) {
  const Certificates certificates;
  const TlsFiles files = certificates.Server();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Sockets first = MakeSockets();
    RawTls old_client(::dup(first.client.get()), false, {.version = version});
    TlsConnection server(*Server(files), first.server.get());
    EXPECT_EQ(Handshake(server).message(), "it does not speak TLS 1.2 or newer");
    EXPECT_FALSE(old_client.Join());
    Sockets second = MakeSockets();
    RawTls old_server(::dup(second.server.get()), true, {.own = files, .version = version});
    TlsConnection client(*Client(certificates.TrustedByClients()), second.client.get(),
                         "localhost");
    const Status refused = Handshake(client);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument);
    EXPECT_THAT(refused.message(), HasSubstr("does not speak TLS 1.2"));
  }
}

TEST(TlsConnection, SpeaksTls12And13) {
  const Certificates certificates;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Sockets sockets = MakeSockets();
    RawTls client(::dup(sockets.client.get()), false, {.version = version});
    TlsConnection server(*Server(certificates.Server()), sockets.server.get());
    EXPECT_TRUE(Handshake(server).ok());
    EXPECT_TRUE(client.Join());
  }
}

TEST(TlsConnection, SaysThatThePeerDoesNotSpeakTls) {
  const Certificates certificates;
  Sockets sockets = MakeSockets();
  ASSERT_EQ(::send(sockets.server.get(), "AUGSAUGSAUGS", 12, 0), 12);
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "localhost");
  const Status refused = Handshake(client);
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("write tcp://"));
  Sockets others = MakeSockets();
  ASSERT_EQ(::send(others.client.get(), "GET / HTTP/1.1\r\n", 16, 0), 16);
  TlsConnection server(*Server(certificates.Server()), others.server.get());
  EXPECT_EQ(Handshake(server).message(), "it does not speak TLS");
}

TEST(TlsConnection, SaysThatThePeerLeftDuringTheHandshake) {
  const Certificates certificates;
  Sockets sockets = MakeSockets();
  ::shutdown(sockets.server.get(), SHUT_RDWR);
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "localhost");
  EXPECT_EQ(Handshake(client).code(), Code::kUnavailable);
  TlsConnection server(*Server(certificates.Server()), sockets.client.get());
  EXPECT_EQ(Handshake(server).code(), Code::kUnavailable);
}

TEST(TlsConnection, FindsBytesThatWereDamagedOnTheirWay) {
  const Certificates certificates;
  Sockets sockets = MakeSockets();
  TlsConnection server(*Server(certificates.Server()), sockets.server.get());
  TlsConnection client(*Client(certificates.TrustedByClients()), sockets.client.get(), "localhost");
  const Outcome outcome = Meet(server, client);
  ASSERT_TRUE(outcome.server.ok() && outcome.client.ok());
  // A record that the server's key did not make.
  Bytes record(100, 0x55);
  record[0] = 0x17;
  record[1] = record[2] = 3;
  record[3] = 0;
  record[4] = 95;
  ASSERT_EQ(::send(sockets.server.get(), record.data(), record.size(), 0), 100);
  Bytes space(10);
  const auto read = client.Read(space);
  EXPECT_EQ(read.status().code(), Code::kDataLoss) << read.status().ToString();
  EXPECT_EQ(client.Read(space).status().code(), Code::kDataLoss);
  EXPECT_EQ(client.Write({space, {}}).status().code(), Code::kDataLoss);
}

TEST(TlsConnection, TakesRecordsThatComeByteByByte) {
  const Certificates certificates;
  Sockets near = MakeSockets();
  Sockets far = MakeSockets();
  TlsConnection server(*Server(certificates.Server()), near.server.get());
  TlsConnection client(*Client(certificates.TrustedByClients()), far.client.get(), "localhost");
  // A byte at a time from each side to the other.
  const auto relay = [&] {
    char byte = 0;
    if (::recv(near.client.get(), &byte, 1, MSG_DONTWAIT) == 1)
      ::send(far.server.get(), &byte, 1, 0);
    if (::recv(far.server.get(), &byte, 1, MSG_DONTWAIT) == 1)
      ::send(near.client.get(), &byte, 1, 0);
  };
  TlsWait server_wait = TlsWait::kToRead;
  TlsWait client_wait = TlsWait::kToRead;
  ASSERT_TRUE(Eventually([&] {
    if (server_wait != TlsWait::kNothing) server_wait = server.Handshake().value();
    if (client_wait != TlsWait::kNothing) client_wait = client.Handshake().value();
    relay();
    return server_wait == TlsWait::kNothing && client_wait == TlsWait::kNothing;
  }));
  const Bytes sent = {9, 8, 7, 6, 5};
  EXPECT_EQ(client.Write({sent, {}})->count, sent.size());
  Bytes received(sent.size());
  ASSERT_TRUE(Eventually([&] {
    relay();
    return server.Read(received)->count == sent.size();
  }));
  EXPECT_EQ(received, sent);
}

TEST(TlsConnection, GivesUpOnAPeerThatChangesItsKeysAllTheTime) {
  const Certificates certificates;
  Sockets sockets = MakeSockets();
  RawTls client(::dup(sockets.client.get()), false, {.version = TLS1_3_VERSION}, [](SSL* ssl) {
    char byte = 1;
    for (int i = 0; i < 100'000; ++i) {
      SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
      if (SSL_do_handshake(ssl) != 1) return;
    }
    SSL_write(ssl, &byte, 1);
  });
  auto server =
      std::make_unique<TlsConnection>(*Server(certificates.Server()), sockets.server.get());
  ASSERT_TRUE(Handshake(*server).ok());
  Bytes space(1);
  Status failed;
  EXPECT_TRUE(Eventually([&] {
    failed = server->Read(space).status();
    return !failed.ok();
  }));
  EXPECT_THAT(failed.message(), HasSubstr("changes its keys"));
  ::shutdown(sockets.server.get(), SHUT_RDWR);
}

}  // namespace
}  // namespace augstore
