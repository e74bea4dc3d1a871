#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ask.h"
#include "tests/support/flaky.h"
#include "tests/support/serving.h"
#include "tools/cli/local_channel.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> Flaky(const RetryOptions& retry = Eager()) {
    Result<std::unique_ptr<Client>> client =
        Client::Open(FlakyChannels(&service_, &faults_), retry);
    EXPECT_TRUE(client.ok()) << Text(client);
    faults_.sent = 0;
    faults_.opened = 0;
    return std::move(client).value();
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
  Faults faults_;
};

TEST_F(ClientTest, RefusesAnAddressThatIsNone) {
  EXPECT_EQ(Client::Connect("http://127.0.0.1").status().code(), Code::kInvalidArgument);
}

TEST_F(ClientTest, SaysWhereNobodyAnswers) {
  const TempDir dir;
  const std::string address = "unix://" + dir.path() + "/none.sock";
  const auto client = Client::Connect(address, Never());
  EXPECT_EQ(client.status().code(), Code::kUnavailable);
  EXPECT_THAT(client.status().message(), HasSubstr(address));
}

TEST_F(ClientTest, SpeaksOverTcpAndUnixSockets) {
  Serving serving;
  for (const Address& address : serving.server->addresses()) {
    const auto client = Client::Connect(address.ToString());
    ASSERT_TRUE(client.ok()) << Text(client);
    const auto collection = (*client)->Get<CollectionRecord>("toy");
    ASSERT_TRUE(collection.ok()) << Text(collection);
    EXPECT_EQ(collection->ref(), "toy@1");
    EXPECT_EQ(collection->record.samples, kTestSamples);
    EXPECT_EQ((*client)->List<TransformRecord>()->size(), 3u);
    const auto rows = (*client)->CallForBatch(ReadRowsRequest{TestBackbone(), {3, 2}});
    ASSERT_TRUE(rows.ok()) << Text(rows);
    EXPECT_EQ(rows->embeddings.row(0)[0], TestValue(3, 0));
    const auto query = (*client)->CallForBatch(QueryRequest{"toy", {5}, "double", ""});
    ASSERT_TRUE(query.ok()) << Text(query);
    EXPECT_EQ(query->embeddings.row(0)[0], 2 * TestValue(5, 0));
    EXPECT_EQ((*client)->CallForBatch(QueryRequest{"toy", {5}, "gone", ""}).status().code(),
              Code::kNotFound);
  }
}

TEST_F(ClientTest, AddsAndReadsBackLayers) {
  Serving serving;
  const auto client = Client::Connect(serving.tcp().ToString());
  ASSERT_TRUE(client.ok()) << Text(client);
  const Layers layers = ScalingLayers(7, 0.5f);
  const auto version = (*client)->Add(RecordKind::kTransform, "seven",
                                      Encode(TestTransform(layers)), layers.ToSafetensors());
  ASSERT_TRUE(version.ok()) << Text(version);
  EXPECT_EQ(*version, 1u);
  const auto back = (*client)->GetWeights("seven@1");
  ASSERT_TRUE(back.ok()) << Text(back);
  EXPECT_EQ(back->layers, layers);
  EXPECT_EQ((*client)->GetLayers("seven@1").status().code(), Code::kNotFound);
}

TEST_F(ClientTest, MovesAliasesAndTellsTheirHistory) {
  const auto client = Flaky();
  ASSERT_TRUE(
      client->SetAlias({RecordKind::kTransform, "shift", "best", 1, "first", 0, false}).ok());
  ASSERT_TRUE(
      client->SetAlias({RecordKind::kTransform, "shift", "best", 2, "second", 0, false}).ok());
  const auto history = client->Aliases(RecordKind::kTransform, "shift");
  ASSERT_TRUE(history.ok()) << Text(history);
  EXPECT_EQ(history->moves.size(), 2u);
  EXPECT_EQ(history->Find("best"), 2u);
  EXPECT_EQ(client->Get<TransformRecord>("shift@best")->version, 2u);
}

TEST_F(ClientTest, WaitsForAServerThatComesLater) {
  faults_.connects = 5;
  const auto client = Client::Open(FlakyChannels(&service_, &faults_), Eager());
  EXPECT_TRUE(client.ok()) << Text(client);
  EXPECT_EQ(faults_.opened, 6);
}

TEST_F(ClientTest, DoesNotRetryWhenToldSo) {
  const auto client = Flaky(Never());
  faults_.receives = 1;
  EXPECT_EQ(client->Call<StatsReply>(StatsRequest{}).status().code(), Code::kUnavailable);
  EXPECT_TRUE(client->Call<StatsReply>(StatsRequest{}).ok()) << "the next call opens a new channel";
  EXPECT_EQ(faults_.opened, 1);
}

TEST_F(ClientTest, SendsARepeatableRequestAgain) {
  const auto client = Flaky();
  faults_.receives = 3;
  EXPECT_TRUE(client->Call<StatsReply>(StatsRequest{}).ok());
  // Two of the new channels fail at their greeting.
  EXPECT_EQ(faults_.sent, 5);
  EXPECT_EQ(faults_.opened, 3);
}

TEST_F(ClientTest, DoesNotRepeatWhatMayHaveTakenEffect) {
  const auto client = Flaky();
  faults_.receives = 1;
  const Status lost =
      client->SetAlias({RecordKind::kTransform, "shift", "best", 1, "note", 0, false});
  EXPECT_EQ(lost.code(), Code::kUnavailable);
  EXPECT_THAT(lost.message(), HasSubstr("may or may not have taken effect"));
  EXPECT_EQ(client->Aliases(RecordKind::kTransform, "shift")->moves.size(), 1u);
}

TEST_F(ClientTest, RepeatsAnyRequestThatCannotHaveArrived) {
  const auto client = Flaky();
  faults_.sends = 2;
  faults_.connects = 1;
  EXPECT_TRUE(
      client->SetAlias({RecordKind::kTransform, "shift", "best", 1, "note", 0, false}).ok());
  EXPECT_EQ(client->Aliases(RecordKind::kTransform, "shift")->moves.size(), 1u);
}

TEST_F(ClientTest, GivesErrorsOfTheRequestAtOnce) {
  const auto client = Flaky();
  EXPECT_EQ(client->Get<HeadRecord>("none").status().code(), Code::kNotFound);
  EXPECT_EQ(faults_.sent, 1);
}

TEST_F(ClientTest, RefusesAReplyToAnotherRequest) {
  class Confused : public Channel {
   public:
    Status Send(const Frame&) override { return OkStatus(); }
    Result<Frame> Receive() override { return ToFrame(ServerInfoReply{"1", "2"}, 999); }
  };
  const auto client = Client::Open(
      []() -> Result<std::unique_ptr<Channel>> {
        return std::unique_ptr<Channel>(std::make_unique<Confused>());
      },
      Eager());
  EXPECT_EQ(client.status().code(), Code::kDataLoss);
}

TEST_F(ClientTest, SaysThatTheServerIsFull) {
  Serving serving({.max_connections = 1});
  RawSocket first(serving.tcp());
  ASSERT_TRUE(Eventually([&] { return serving.server->connections() == 1; }));
  const auto client = Client::Connect(serving.tcp().ToString(), Eager());
  EXPECT_EQ(client.status().code(), Code::kResourceExhausted) << Text(client);
}

TEST_F(ClientTest, OutlivesARestartOfTheServer) {
  Serving serving;
  const auto client = Client::Connect(serving.tcp().ToString(), Eager());
  ASSERT_TRUE(client.ok()) << Text(client);
  serving.Stop();
  serving.Start();
  // Not repeatable, but the closed connection is noticed before it is sent.
  EXPECT_TRUE(
      (*client)->SetAlias({RecordKind::kTransform, "shift", "best", 1, "note", 0, false}).ok());
}

TEST_F(ClientTest, ResumesAStreamThatIsWhatItWas) {
  const auto client = Flaky();
  const StreamSpec spec{.collection = "toy", .policy = "identity,shift", .seed = 3};
  auto stream = client->OpenStream(spec);
  ASSERT_TRUE(stream.ok()) << Text(stream);
  const auto resumed = client->ResumeStream((*stream)->info());
  ASSERT_TRUE(resumed.ok()) << Text(resumed);
  EXPECT_EQ((*resumed)->info().fingerprint, (*stream)->info().fingerprint);
}

TEST_F(ClientTest, ResumesAPinnedStreamAfterNewerVersionsCame) {
  const auto client = Flaky();
  auto stream = client->OpenStream({.collection = "toy", .policy = "identity,shift"});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  const Layers layers = ScalingLayers(1, 9);
  ASSERT_TRUE(client
                  ->Add(RecordKind::kTransform, "shift", Encode(TestTransform(layers)),
                        layers.ToSafetensors())
                  .ok());
  EXPECT_TRUE(client->ResumeStream((*stream)->info()).ok());
}

TEST_F(ClientTest, RefusesToResumeAStreamWhoseCollectionIsAnother) {
  const auto before = Flaky()->OpenStream({.collection = "toy"});
  ASSERT_TRUE(before.ok()) << Text(before);
  FilledStore changed(1);
  Service other(changed.catalog.get(), {});
  const auto client = Client::Open(LocalChannels(&other), Never());
  ASSERT_TRUE(client.ok()) << Text(client);
  const auto resumed = (*client)->ResumeStream((*before)->info());
  EXPECT_EQ(resumed.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(resumed.status().message(), HasSubstr("collection digest"));
  EXPECT_THAT(resumed.status().message(), HasSubstr("toy@1"));
}

TEST_F(ClientTest, RefusesToResumeAStreamWhoseCollectionIsGone) {
  const auto client = Flaky();
  const auto before = client->OpenStream({.collection = "toy"});
  ASSERT_TRUE(before.ok()) << Text(before);
  ASSERT_TRUE(
      client->Call<DeletionReply>(DeleteRecordRequest{RecordKind::kCollection, "toy@1"}).ok());
  EXPECT_EQ(client->ResumeStream((*before)->info()).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
