#include "client/greeting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "client/client.h"
#include "client/exchange.h"
#include "client/socket_channel.h"
#include "tests/support/ask.h"
#include "tests/support/flaky.h"
#include "tests/support/reseal.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Channels to whichever service `*service` is.
ChannelFactory Switching(Service** service) {
  return [service] { return LocalChannels(*service)(); };
}

class GreetingTest : public ::testing::Test {
 protected:
  FilledStore first_;
  FilledStore second_{1};
  Service one_{first_.catalog.get(), {}};
  Service two_{second_.catalog.get(), {}};
  Service* now_ = &one_;
};

TEST_F(GreetingTest, RefusesAnotherStoreThanAtFirstAndNamesBoth) {
  const ChannelFactory factory = WithGreeting(Switching(&now_), "");
  for (Service* service : {&one_, &two_, &one_}) {
    now_ = service;
    auto channel = factory();
    ASSERT_TRUE(channel.ok());
    const Status sent = (*channel)->Send(ToFrame(StatsRequest{}, 1));
    EXPECT_EQ(sent.ok(), service == &one_) << sent.ToString();
    if (service == &one_) continue;
    EXPECT_EQ(sent.code(), Code::kFailedPrecondition);
    EXPECT_THAT(sent.message(), HasSubstr(first_.store->Stats()->id));
    EXPECT_THAT(sent.message(), HasSubstr(second_.store->Stats()->id));
  }
}

TEST_F(GreetingTest, EndsAStreamThatReconnectsToAnotherStore) {
  Faults faults;
  const ChannelFactory flaky = [&]() -> Result<std::unique_ptr<Channel>> {
    return FlakyChannels(now_, &faults)();
  };
  const auto client = Client::Open(flaky, Eager());
  ASSERT_TRUE(client.ok()) << Text(client);
  const auto stream = (*client)->OpenStream({.collection = "toy", .batch_size = 10}, 1);
  ASSERT_TRUE(stream.ok()) << Text(stream);
  faults.frames_per_connection = 5;
  (*stream)->Seek(0, 0);
  ASSERT_TRUE((*stream)->Next().ok());
  now_ = &two_;
  Status end;
  for (int i = 0; i < 100 && end.ok(); ++i) end = (*stream)->Next().status();
  EXPECT_EQ(end.code(), Code::kFailedPrecondition) << end.ToString();
  EXPECT_THAT(end.message(), HasSubstr(second_.store->Stats()->id));
}

// A connection whose replies are made by `answer`.
class Answering : public Channel {
 public:
  using Answer = std::function<Frame(const Frame& request)>;
  explicit Answering(Answer answer) : answer_(std::move(answer)) {}
  Status Send(const Frame& request) override {
    reply_ = answer_(request);
    return OkStatus();
  }
  Result<Frame> Receive() override { return reply_; }

 private:
  const Answer answer_;
  Frame reply_;
};

TEST(Greeting, NamesTheTraceOnEveryConnectionAfterTheKey) {
  const std::string traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  std::vector<MessageType> sent;
  std::string named;
  const Answering::Answer answer = [&](const Frame& request) {
    sent.push_back(request.type);
    if (request.type == MessageType::kAuthenticateRequest) {
      return ToFrame(AuthenticateReply{"store", "k", Role::kRead, ""}, request.request_id);
    }
    if (request.type == MessageType::kSetTraceRequest) {
      named = FromFrame<SetTraceRequest>(request)->traceparent;
    }
    return ToFrame(EndReply{}, request.request_id);
  };
  const ChannelFactory factory = WithGreeting(
      [&]() -> Result<std::unique_ptr<Channel>> {
        return std::unique_ptr<Channel>(std::make_unique<Answering>(answer));
      },
      NewKey()->Text(), traceparent);
  for (int connection = 0; connection < 2; ++connection) {
    sent.clear();
    named.clear();
    ASSERT_TRUE((*factory())->Send(ToFrame(StatsRequest{}, 2)).ok());
    EXPECT_EQ(named, traceparent);
    EXPECT_EQ(sent, (std::vector{MessageType::kAuthenticateRequest, MessageType::kSetTraceRequest,
                                 MessageType::kStatsRequest}));
  }
}

TEST(Greeting, GoesOnWithoutATraceAtAServerThatKnowsNone) {
  const auto greet = [](uint32_t id_of_refusal) {
    const Answering::Answer answer = [id_of_refusal](const Frame& request) {
      if (request.type == MessageType::kSetTraceRequest) {
        return ErrorFrame(InvalidArgument("message type 50 is not a request"), id_of_refusal);
      }
      return ToFrame(ServerInfoReply{"0.1.0", "store"}, request.request_id);
    };
    const ChannelFactory factory = WithGreeting(
        [&]() -> Result<std::unique_ptr<Channel>> {
          return std::unique_ptr<Channel>(std::make_unique<Answering>(answer));
        },
        "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    return (*factory())->Send(ToFrame(StatsRequest{}, 2));
  };
  EXPECT_TRUE(greet(1).ok());
  EXPECT_FALSE(greet(0).ok()) << "an error of the connection";
}

TEST_F(GreetingTest, RefusesADamagedTraceAndLeavesOneOfTheEnvironmentOut) {
  Serving serving;
  const std::string address = serving.tcp().ToString();
  const auto refused = Client::Connect(address, {}, "", {.traceparent = "00-1-2-01"});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("'00-1-2-01'"));
  ::setenv("TRACEPARENT", "00-1-2-01", 1);
  const auto client = Client::Connect(address);
  ::unsetenv("TRACEPARENT");
  EXPECT_TRUE(client.ok()) << Text(client);
}

TEST_F(GreetingTest, TakesTheTraceOfTheEnvironment) {
  Serving serving;
  ::setenv("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 1);
  const auto client = Client::Connect(serving.tcp().ToString());
  ::unsetenv("TRACEPARENT");
  ASSERT_TRUE(client.ok()) << Text(client);
  const auto stream = (*client)->OpenStream({.collection = "toy", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  ASSERT_TRUE((*stream)->Get(0, 0).ok());
  EXPECT_EQ(serving.service.metrics().streams.List().at(0)->of.trace_id,
            "4bf92f3577b34da6a3ce929d0e0e4736");
}

// A server of another release answers in its version, whatever it says.
TEST(ProtocolVersions, AClientIsToldWhichSideIsOlder) {
  for (const auto& [version, older] :
       {std::pair(2, "update the client"), std::pair(0, "update the server")}) {
    RawListener listener;
    std::thread server([&listener, version = static_cast<uint8_t>(version)] {
      RawSocket peer = listener.Accept();
      ASSERT_TRUE(peer.Receive().ok());
      peer.Send(OfVersion(ErrorFrame(InvalidArgument("in words of another release"), 0), version));
    });
    const Status status = Client::Connect(listener.address().ToString(), Eager()).status();
    server.join();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(),
                HasSubstr("the server speaks protocol version " + std::to_string(version) +
                          ", this client version 1: " + older));
  }
}

TEST(ProtocolVersions, AServerSaysWhichSideIsOlderAndServesOthers) {
  Serving serving;
  for (const auto& [version, older] :
       {std::pair(2, "update the server"), std::pair(0, "update the client")}) {
    RawSocket client(serving.tcp());
    client.Send(OfVersion(ToFrame(ServerInfoRequest{}, 1), static_cast<uint8_t>(version)));
    const auto reply = client.Receive();
    ASSERT_TRUE(reply.ok() && reply->has_value()) << Text(reply);
    const Status status = CheckReply(**reply, 1);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(),
                HasSubstr("the client speaks protocol version " + std::to_string(version) +
                          ", this server version 1: " + older));
    EXPECT_TRUE(client.WaitForHangUp());
  }
  EXPECT_TRUE(Client::Connect(serving.tcp().ToString(), Never()).ok());
}

// It can be used by all that the two have in common.
TEST(ProtocolVersions, AServerRefusesARequestOfANewerReleaseAndKeepsTheConnection) {
  Serving serving;
  RawSocket client(serving.unix_socket());
  Frame newer = ToFrame(ServerInfoRequest{}, 1);
  newer.type = MessageType{99};
  client.Send(newer);
  const auto refusal = client.Receive();
  ASSERT_TRUE(refusal.ok() && refusal->has_value()) << Text(refusal);
  EXPECT_THAT(CheckReply(**refusal, 1).message(), HasSubstr("update the server"));
  client.Send(ToFrame(ServerInfoRequest{}, 2));
  const auto reply = client.Receive();
  ASSERT_TRUE(reply.ok() && reply->has_value()) << Text(reply);
  EXPECT_TRUE(FromFrame<ServerInfoReply>(**reply).ok());
}

class KeyedServerTest : public ::testing::Test {
 protected:
  KeyedServerTest() {
    const ServerOptions options{.listen = {{Address::Kind::kTcp, "127.0.0.1", 0, ""}},
                                .failed_handshake_pause = std::chrono::milliseconds(1),
                                .workers = 2};
    server_ = Server::Start(&service_, options).value();
    key_ = Ask<KeyReply>(service_, CreateKeyRequest{Role::kRead, "", 0, ""}).value();
  }
  Result<std::unique_ptr<Client>> Connect(const std::string& key) {
    return Client::Connect(server_->addresses()[0].ToString(), Never(), key);
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
  std::unique_ptr<Server> server_;
  KeyReply key_;
};

TEST_F(KeyedServerTest, LetsInAClientWithAKeyAndItsStreams) {
  const auto client = Connect(key_.text);
  ASSERT_TRUE(client.ok()) << Text(client);
  const auto stream = (*client)->OpenStream({.collection = "toy", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  size_t rows = 0;
  for (const Result<Batch>& batch : (*stream)->Epoch(0)) {
    ASSERT_TRUE(batch.ok()) << Text(batch);
    rows += batch->size();
  }
  EXPECT_EQ(rows, kTestSamples);
}

TEST_F(KeyedServerTest, TellsAClientWithoutAKeyWhatItNeeds) {
  const auto client = Connect("");
  EXPECT_EQ(client.status().code(), Code::kUnauthenticated);
  EXPECT_THAT(client.status().message(), HasSubstr("--key-file"));
}

TEST_F(KeyedServerTest, RefusesAWrongKeyAndShowsItNowhere) {
  const std::string wrong = NewKey()->Text();
  const auto client = Connect(wrong);
  EXPECT_EQ(client.status().code(), Code::kUnauthenticated);
  EXPECT_THAT(client.status().message(), Not(HasSubstr(wrong.substr(14))));
}

TEST_F(KeyedServerTest, EndsAClientWhoseKeyWasRevoked) {
  const auto client = Connect(key_.text);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(Ask<EndReply>(service_, RevokeKeyRequest{key_.key.id}).ok());
  const auto stats = (*client)->Call<StatsReply>(StatsRequest{});
  EXPECT_EQ(stats.status().code(), Code::kUnauthenticated);
  EXPECT_THAT(Connect(key_.text).status().message(), HasSubstr("was revoked"));
}

}  // namespace
}  // namespace augstore
