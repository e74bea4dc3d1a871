#include "server/sockets/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "client/client.h"
#include "tests/support/ask.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

const Address kAnyPort{Address::Kind::kTcp, "127.0.0.1", 0, ""};

TEST(Server, RefusesOptionsThatMakeNoSense) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const ServerOptions cases[] = {
      {.listen = {}},
      {.listen = {kAnyPort}, .workers = -1},
      {.listen = {kAnyPort}, .max_connections = 0},
      {.listen = {kAnyPort}, .idle_timeout = std::chrono::milliseconds(0)},
      {.listen = {kAnyPort}, .write_timeout = std::chrono::milliseconds(-5)},
      {.listen = {kAnyPort}, .frame_timeout = std::chrono::milliseconds(0)},
      {.listen = {kAnyPort}, .least_rate = 0},
      {.listen = {kAnyPort}, .request_timeout = std::chrono::milliseconds(0)},
      {.listen = {kAnyPort, {Address::Kind::kTcp, "0.0.0.0", 0, ""}}},
  };
  for (const ServerOptions& options : cases) {
    const auto server = Server::Start(&service, options);
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.status().code(), Code::kInvalidArgument) << server.status().ToString();
  }
}

TEST(Server, NamesAPortThatIsTaken) {
  Serving serving;
  const auto second = Server::Start(&serving.service, {.listen = {serving.tcp()}});
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr(serving.tcp().ToString()));
}

TEST(Server, ServesAtEveryAddress) {
  Serving serving;
  for (const Address& address : serving.server->addresses()) {
    const auto client = Client::Connect(address.ToString());
    EXPECT_TRUE(client.ok()) << Text(client);
  }
}

TEST(Server, StopsOnceHoweverOftenItIsAsked) {
  Serving serving;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { serving.Stop(); });
  for (std::thread& thread : threads) thread.join();
  serving.Stop();
  EXPECT_EQ(serving.server->connections(), 0u);
  EXPECT_FALSE(std::filesystem::exists(serving.unix_socket().path));
  EXPECT_EQ(Client::Connect(serving.tcp().ToString(), {.total = std::chrono::milliseconds(0)})
                .status()
                .code(),
            Code::kUnavailable);
}

TEST(Server, StopsAtOnceWithIdleConnections) {
  Serving serving;
  RawSocket idle(serving.tcp());
  RawSocket half(serving.unix_socket());
  half.Send("AUGS");
  EXPECT_TRUE(Eventually([&] { return serving.server->connections() == 2; }));
  serving.Stop();
  EXPECT_TRUE(idle.WaitForHangUp());
  EXPECT_TRUE(half.WaitForHangUp());
}

TEST(Server, StopsWhileClientsStream) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  std::vector<std::unique_ptr<BatchStream>> streams;
  for (int i = 0; i < 4; ++i) {
    auto client = Client::Connect(serving.server->addresses()[i % 2].ToString(),
                                  {.total = std::chrono::milliseconds(0)});
    ASSERT_TRUE(client.ok()) << Text(client);
    auto stream = (*client)->OpenStream({.collection = "wide", .batch_size = 8}, 1);
    ASSERT_TRUE(stream.ok()) << Text(stream);
    streams.push_back(std::move(*stream));
    streams.back()->Seek(0, 0);
    EXPECT_TRUE(streams.back()->Next().ok());
  }
  serving.Stop();
  EXPECT_EQ(serving.server->connections(), 0u);
}

TEST(Server, StopsWhileAClientTakesNothing) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const auto stream = Ask<StreamReply>(serving.service,
                                       OpenStreamRequest{{.collection = "wide", .batch_size = 16}});
  RawSocket stuck(serving.unix_socket());
  stuck.Send(ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1000}, 1));
  EXPECT_TRUE(stuck.Receive().ok());
  serving.Stop();
  EXPECT_EQ(serving.server->connections(), 0u);
}

TEST(Server, FinishesTheFrameInFlight) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const auto stream = Ask<StreamReply>(serving.service,
                                       OpenStreamRequest{{.collection = "wide", .batch_size = 64}});
  RawSocket socket(serving.tcp());
  socket.Send(ToFrame(BatchesRequest{stream->spec, stream->fingerprint, 0, 0, 1000}, 1));
  EXPECT_TRUE(socket.Receive().ok());
  std::thread stopper([&] { serving.Stop(); });
  for (;;) {
    const auto frame = socket.Receive();
    ASSERT_TRUE(frame.ok()) << "a whole frame or nothing: " << frame.status().ToString();
    if (!frame->has_value()) break;
  }
  stopper.join();
}

TEST(Server, StartsAgainAtTheSameAddressesAtOnce) {
  Serving serving;
  for (int i = 0; i < 5; ++i) {
    RawSocket socket(serving.tcp());
    socket.Send(ToFrame(ServerInfoRequest{}, 1));
    EXPECT_TRUE(socket.Receive().ok());
    serving.Stop();
    serving.Start();
  }
  EXPECT_TRUE(Client::Connect(serving.tcp().ToString()).ok());
}

TEST(Server, TellsAConnectionTooManyWhyItIsClosed) {
  Serving serving({.max_connections = 2, .max_host_connections = 2});
  RawSocket first(serving.tcp());
  auto second = std::make_unique<RawSocket>(serving.unix_socket());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 2; }));
  RawSocket third(serving.tcp());
  third.Send(ToFrame(ServerInfoRequest{}, 1));
  const auto reply = third.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value()) << reply.status().ToString();
  EXPECT_EQ((*reply)->request_id, 0u);
  EXPECT_EQ(ExpectType(**reply, MessageType::kEndReply).code(), Code::kResourceExhausted);
  EXPECT_TRUE(third.WaitForHangUp());
  second.reset();
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 1; }));
  EXPECT_TRUE(Client::Connect(serving.tcp().ToString()).ok());
}

TEST(Server, MakesRoomForANewConnectionByClosingTheOneThatIsIdleLongest) {
  Serving serving({.max_connections = 2,
                   .max_host_connections = 2,
                   .least_idle = std::chrono::milliseconds(0)});
  RawSocket first(serving.tcp());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 1; }));
  RawSocket second(serving.tcp());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 2; }));
  RawSocket third(serving.tcp());
  EXPECT_TRUE(first.WaitForHangUp());
  for (RawSocket* socket : {&second, &third}) {
    socket->Send(ToFrame(ServerInfoRequest{}, 1));
    const auto reply = socket->Receive();
    EXPECT_TRUE(reply.ok() && reply->has_value()) << reply.status().ToString();
  }
}

// A connection from another address of this machine.
RawSocket ConnectFrom(const char* host, const Address& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, host, &from.sin_addr), 1);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from), 0);
  sockaddr_in to = from;
  EXPECT_EQ(::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr), 1);
  to.sin_port = htons(address.port);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return RawSocket(fd);
}

// What the server says to the next request.
Status AskStats(RawSocket& socket) {
  socket.Send(ToFrame(StatsRequest{}, 1));
  const auto reply = socket.Receive();
  if (!reply.ok()) return reply.status();
  if (!reply->has_value()) return Unavailable("closed");
  if ((*reply)->type == MessageType::kStatsReply) return OkStatus();
  return ExpectType(**reply, MessageType::kEndReply);
}

TEST(Server, KeepsAHostToItsShareOfTheConnectionsAndServesOthers) {
  Serving serving({.max_connections = 16, .max_host_connections = 2});
  std::vector<RawSocket> served;
  for (int i = 0; i < 2; ++i) served.push_back(ConnectFrom("127.0.0.2", serving.tcp()));
  for (RawSocket& socket : served) EXPECT_TRUE(AskStats(socket).ok());
  RawSocket third = ConnectFrom("127.0.0.2", serving.tcp());
  const Status refused = AskStats(third);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted) << refused.ToString();
  EXPECT_THAT(refused.message(), HasSubstr("host 127.0.0.2 has 2 connections"));
  EXPECT_THAT(refused.message(), HasSubstr("--max-connections-per-host"));
  served.push_back(ConnectFrom("127.0.0.3", serving.tcp()));
  for (int i = 0; i < 5; ++i) served.emplace_back(serving.unix_socket());
  for (RawSocket& socket : served) EXPECT_TRUE(AskStats(socket).ok());
}

TEST(Server, ClosesAnIdleConnectionOfTheHostThatHasTooMany) {
  Serving serving({.max_connections = 16,
                   .max_host_connections = 2,
                   .least_idle = std::chrono::milliseconds(0)});
  RawSocket other = ConnectFrom("127.0.0.3", serving.tcp());
  EXPECT_TRUE(AskStats(other).ok());
  RawSocket first = ConnectFrom("127.0.0.2", serving.tcp());
  EXPECT_TRUE(AskStats(first).ok());
  RawSocket second = ConnectFrom("127.0.0.2", serving.tcp());
  EXPECT_TRUE(AskStats(second).ok());
  RawSocket third = ConnectFrom("127.0.0.2", serving.tcp());
  EXPECT_TRUE(first.WaitForHangUp());
  for (RawSocket* socket : {&other, &second, &third}) EXPECT_TRUE(AskStats(*socket).ok());
}

TEST(Server, LetsAHostHoldFewConnectionsThatDoNotSayWhoTheyAre) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto server = Server::Start(
      &service,
      {.listen = {kAnyPort}, .workers = 1, .max_connections = 32, .max_host_strangers = 3});
  ASSERT_TRUE(server.ok()) << Text(server);
  const Address& address = (*server)->addresses()[0];
  const auto key = Ask<KeyReply>(service, CreateKeyRequest{Role::kRead, "", 0, ""});
  const RetryOptions once{.total = std::chrono::milliseconds(0)};
  const auto good = Client::Connect(address.ToString(), once, key->text);
  ASSERT_TRUE(good.ok()) << Text(good);
  RawSocket elsewhere = ConnectFrom("127.0.0.2", address);
  std::vector<RawSocket> silent;
  for (int i = 0; i < 12; ++i) silent.emplace_back(address);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(silent[i].WaitForHangUp()) << i;
  EXPECT_TRUE(Eventually([&] { return (*server)->connections() == 5; }));
  for (int i = 9; i < 12; ++i) EXPECT_FALSE(silent[i].HasHungUp()) << i;
  EXPECT_FALSE(elsewhere.HasHungUp());
  EXPECT_TRUE(Client::Connect(address.ToString(), once, key->text).ok());
  EXPECT_TRUE((*good)->Call<StatsReply>(StatsRequest{}).ok());
}

TEST(Server, ServesEightClientsAtOnce) {
  Serving serving;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto client = Client::Connect(serving.server->addresses()[t % 2].ToString());
      ASSERT_TRUE(client.ok()) << Text(client);
      auto stream = (*client)->OpenStream(
          {.collection = "toy", .policy = "identity,double", .seed = t, .batch_size = 50});
      ASSERT_TRUE(stream.ok()) << Text(stream);
      std::vector<int> seen(kTestSamples);
      for (const Result<Batch>& batch : (*stream)->Epoch(t)) {
        ASSERT_TRUE(batch.ok()) << Text(batch);
        for (size_t i = 0; i < batch->size(); ++i) {
          ++seen[batch->samples[i]];
          const float scale = batch->chains[i] == 0 ? 1 : 2;
          EXPECT_EQ(batch->embeddings.row(i)[1], scale * TestValue(batch->samples[i], 1));
        }
        const auto raw = (*client)->CallForBatch(QueryRequest{"toy", {t}, "double", ""});
        ASSERT_TRUE(raw.ok()) << Text(raw);
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<int>(kTestSamples));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The reply to the first request of a connection.
Status FirstReply(const Address& address) {
  RawSocket socket(address);
  return AskStats(socket);
}

TEST(Server, DemandsAKeyOverTcpAndNoneOverItsUnixSocket) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const TempDir dir;
  const Address own{Address::Kind::kUnix, "", 0, dir.path() + "/s"};
  const auto server = Server::Start(&service, {.listen = {kAnyPort, own}, .workers = 1});
  ASSERT_TRUE(server.ok()) << Text(server);
  EXPECT_EQ(FirstReply((*server)->addresses()[0]).code(), Code::kUnauthenticated);
  EXPECT_TRUE(FirstReply(own).ok());
}

TEST(Server, ServesEverybodyOverTcpWhenItIsInsecure) {
  Serving serving({.insecure = true});
  EXPECT_TRUE(FirstReply(serving.tcp()).ok());
}

TEST(Server, RefusesOtherUsersOnItsUnixSocketWhateverItsMode) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can try to be another user";
  Serving serving;
  const std::string path = serving.unix_socket().path;
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(std::filesystem::path(path).parent_path().c_str(), 0755), 0);
  constexpr uid_t kOther = 65534;
  // Of this thread alone: glibc's function would change those of the server, too. The system notes
  // who connects when they connect.
  ASSERT_EQ(::syscall(SYS_setresuid, -1, kOther, -1), 0);
  RawSocket socket(serving.unix_socket());
  ASSERT_EQ(::syscall(SYS_setresuid, -1, 0, -1), 0);
  const auto reply = socket.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value()) << reply.status().ToString();
  const Status refusal = ExpectType(**reply, MessageType::kEndReply);
  EXPECT_EQ(refusal.code(), Code::kPermissionDenied);
  EXPECT_THAT(refusal.message(), HasSubstr("not for uid 65534"));
  EXPECT_TRUE(socket.WaitForHangUp());
}

TEST(Server, RefusesAHostAfterTooManyWrongKeysAndServesItsOtherConnections) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto server =
      Server::Start(&service, {.listen = {kAnyPort},
                               .max_failed_handshakes = 3,
                               .failed_handshake_pause = std::chrono::milliseconds(1),
                               .workers = 1});
  ASSERT_TRUE(server.ok()) << Text(server);
  const std::string address = (*server)->addresses()[0].ToString();
  const auto key = Ask<KeyReply>(service, CreateKeyRequest{Role::kRead, "", 0, ""});
  const RetryOptions once{.total = std::chrono::milliseconds(0)};
  const auto good = Client::Connect(address, once, key->text);
  ASSERT_TRUE(good.ok()) << Text(good);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Client::Connect(address, once, NewKey()->Text()).status().code(),
              Code::kUnauthenticated);
  }
  const auto refused = Client::Connect(address, once, key->text);
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.status().message(), HasSubstr("try again in"));
  EXPECT_TRUE((*good)->Call<StatsReply>(StatsRequest{}).ok());
}

TEST(Server, AnswersAWrongKeyAfterAPause) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto server =
      Server::Start(&service, {.listen = {kAnyPort},
                               .failed_handshake_pause = std::chrono::milliseconds(200),
                               .workers = 1});
  ASSERT_TRUE(server.ok()) << Text(server);
  RawSocket socket((*server)->addresses()[0]);
  const auto begin = std::chrono::steady_clock::now();
  socket.Send(ToFrame(AuthenticateRequest{"guess"}, 1));
  ASSERT_TRUE(socket.Receive().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
}

TEST(Server, ClosesAConnectionThatDoesNotSayWhoItIs) {
  FilledStore filled;
  Service service(filled.catalog.get(), {});
  const auto server = Server::Start(
      &service,
      {.listen = {kAnyPort}, .workers = 1, .frame_timeout = std::chrono::milliseconds(200)});
  ASSERT_TRUE(server.ok()) << Text(server);
  RawSocket socket((*server)->addresses()[0]);
  EXPECT_TRUE(socket.WaitForHangUp());
}

}  // namespace
}  // namespace augstore
