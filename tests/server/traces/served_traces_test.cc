// A real server whose client is in a trace, with a collector that gets the spans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/client.h"
#include "server/traces/span_exporter.h"
#include "tests/support/ask.h"
#include "tests/support/serving.h"
#include "tests/support/test_collector.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

const std::string kTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpanId = "00f067aa0ba902b7";
const std::string kSampled = "00-" + kTraceId + "-" + kSpanId + "-01";

class ServedTracesTest : public ::testing::Test {
 protected:
  ServedTracesTest() {
    server_ = Server::Start(&service_, {.listen = {{Address::Kind::kTcp, "127.0.0.1", 0, ""}},
                                        .insecure = true,
                                        .workers = 2})
                  .value();
  }
  std::unique_ptr<Client> Connect(const std::string& traceparent) {
    return Client::Connect(server_->addresses()[0].ToString(), {}, "", {.traceparent = traceparent})
        .value();
  }
  // The value of an attribute, whatever its kind; empty: there is none.
  static std::string AttributeOf(const nlohmann::json& span, const std::string& key) {
    for (const auto& attribute : span["attributes"]) {
      if (attribute["key"] != key) continue;
      const auto& value = attribute["value"].begin().value();
      return value.is_string() ? value.get<std::string>() : value.dump();
    }
    return "";
  }
  // The span of this name, of those that came.
  nlohmann::json SpanNamed(const std::string& name) {
    nlohmann::json found;
    EXPECT_TRUE(Eventually([&] {
      for (const auto& span : collector_.spans()) {
        if (span["name"] == name) found = span;
      }
      return !found.is_null();
    })) << name;
    return found;
  }

  TestCollector collector_;
  SpanExporter exporter_{
      collector_.address(), [](const std::string&) {}, {.patience = std::chrono::milliseconds(1)}};
  FilledStore filled_;
  Service service_{filled_.catalog.get(), {.spans = exporter_.queue()}};
  std::unique_ptr<Server> server_;
};

TEST_F(ServedTracesTest, ASpanOfEachRequestBelongsToTheSpanOfTheClient) {
  const auto client = Connect(kSampled);
  ASSERT_TRUE(client->CallForBatch(QueryRequest{"toy", {1, 2}, "", ""}).ok());
  const nlohmann::json span = SpanNamed("Query toy");
  EXPECT_EQ(span["traceId"], kTraceId);
  EXPECT_EQ(span["parentSpanId"], kSpanId);
  EXPECT_EQ(span["kind"], 2);
  EXPECT_FALSE(span.contains("status"));
  EXPECT_EQ(AttributeOf(span, "db.system.name"), "augstore");
  EXPECT_EQ(AttributeOf(span, "db.operation.name"), "Query");
  EXPECT_EQ(AttributeOf(span, "db.collection.name"), "toy");
  EXPECT_EQ(AttributeOf(span, "server.address"), "127.0.0.1");
  EXPECT_EQ(AttributeOf(span, "server.port"), std::to_string(server_->addresses()[0].port));
  EXPECT_NE(SpanNamed("ServerInfo")["spanId"], span["spanId"]);
}

TEST_F(ServedTracesTest, ARunOfBatchesHasOneSpanThatSaysWhereItsTimeWent) {
  const auto client = Connect(kSampled);
  const auto stream = client->OpenStream({.collection = "toy", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  size_t batches = 0;
  for (const Result<Batch>& batch : (*stream)->Epoch(3)) batches += batch.ok() ? 1 : 0;
  EXPECT_EQ(batches, kTestSamples / 100);
  const nlohmann::json span = SpanNamed("Batches toy");
  EXPECT_EQ(AttributeOf(span, "augstore.collection"), "toy@1");
  EXPECT_EQ(AttributeOf(span, "augstore.epoch"), "3");
  EXPECT_EQ(AttributeOf(span, "augstore.batches"), "10");
  EXPECT_EQ(AttributeOf(span, "augstore.rows"), std::to_string(kTestSamples));
  for (const char* stage : {"store", "transform", "encode", "wait_for_server", "wait_for_client"}) {
    EXPECT_NE(AttributeOf(span, fmt::format("augstore.{}_seconds", stage)), "") << stage;
  }
  EXPECT_GT(std::stod(AttributeOf(span, "augstore.encode_seconds")), 0);
}

TEST_F(ServedTracesTest, AFailureIsSaidWithItsCode) {
  const auto client = Connect(kSampled);
  EXPECT_FALSE(client->CallForBatch(QueryRequest{"none", {1}, "", ""}).ok());
  const nlohmann::json span = SpanNamed("Query none");
  EXPECT_EQ(span["status"]["code"], 2);
  EXPECT_THAT(span["status"]["message"].get<std::string>(), HasSubstr("none"));
  EXPECT_EQ(AttributeOf(span, "error.type"), "NotFound");
}

TEST_F(ServedTracesTest, OnlyClientsThatWantSpansHaveThem) {
  const auto silent = Connect("00-" + kTraceId + "-" + kSpanId + "-00");
  ASSERT_TRUE(silent->CallForBatch(QueryRequest{"toy", {1}, "", ""}).ok());
  const auto untraced = Connect("");
  ASSERT_TRUE(untraced->CallForBatch(QueryRequest{"toy", {1}, "", ""}).ok());
  const auto client = Connect(kSampled);
  ASSERT_TRUE(client->Call<StatsReply>(StatsRequest{}).ok());
  SpanNamed("Stats");
  EXPECT_EQ(collector_.spans().size(), 2u) << "and ServerInfo of the same client";
}

TEST_F(ServedTracesTest, AStreamThatConnectsAgainIsInTheSameTrace) {
  const auto client = Connect(kSampled);
  const auto stream = client->OpenStream({.collection = "toy", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  ASSERT_TRUE((*stream)->Get(0, 0).ok());
  server_->Stop();
  const Address before = server_->addresses()[0];
  server_ = Server::Start(&service_, {.listen = {before}, .insecure = true, .workers = 2}).value();
  ASSERT_TRUE((*stream)->Get(0, 1).ok());
  const auto batches = [&] {
    std::map<std::string, std::string> of;  // step -> parent
    for (const auto& span : collector_.spans()) {
      if (span["name"] == "Batches toy")
        of[AttributeOf(span, "augstore.step")] = span["parentSpanId"];
    }
    return of;
  };
  EXPECT_TRUE(Eventually([&] { return batches().size() == 2; }));
  EXPECT_EQ(batches()["1"], kSpanId);
}

TEST_F(ServedTracesTest, ADamagedTraceIsRefusedAndTheConnectionGoesOn) {
  RawSocket socket(server_->addresses()[0]);
  const auto ask = [&](const std::string& traceparent) {
    socket.Send(ToFrame(SetTraceRequest{traceparent}, 5));
    return ExpectType(**socket.Receive(), MessageType::kEndReply);
  };
  EXPECT_TRUE(ask(kSampled).ok());
  const Status damaged = ask(kSampled.substr(1));
  EXPECT_EQ(damaged.code(), Code::kInvalidArgument);
  EXPECT_THAT(damaged.message(), HasSubstr("'" + kSampled.substr(1) + "'"));
  EXPECT_TRUE(ask("").ok());
  socket.Send(ToFrame(StatsRequest{}, 6));
  EXPECT_TRUE(FromFrame<StatsReply>(**socket.Receive()).ok());
}

TEST_F(ServedTracesTest, StreamsSayTheirTrace) {
  const auto client = Connect(kSampled);
  const auto stream = client->OpenStream({.collection = "toy", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  ASSERT_TRUE((*stream)->Get(0, 0).ok());
  const auto streams = service_.metrics().streams.List();
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0]->of.trace_id, kTraceId);
}

}  // namespace
}  // namespace augstore
