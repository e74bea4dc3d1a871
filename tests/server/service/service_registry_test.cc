#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class ServiceRegistryTest : public ::testing::Test {
 protected:
  Result<RecordReply> Add(RecordKind kind, const std::string& name, std::string record,
                          std::string blob = "") {
    return Ask<RecordReply>(service_,
                            AddRecordRequest{kind, name, std::move(record), std::move(blob)});
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {.address = "tcp://127.0.0.1:1"}};
};

TEST_F(ServiceRegistryTest, SaysWhichStoreItServes) {
  const auto info = Ask<ServerInfoReply>(service_, ServerInfoRequest{});
  ASSERT_TRUE(info.ok()) << Text(info);
  EXPECT_EQ(info->store_id, filled_.store->Stats()->id);
  EXPECT_FALSE(info->version.empty());
}

TEST_F(ServiceRegistryTest, CountsWhatItServed) {
  service_.metrics().connections = 3;
  ASSERT_TRUE(AskForBatch(service_, QueryRequest{"toy", {1, 2}, "identity", ""}).ok());
  ASSERT_FALSE(AskForBatch(service_, QueryRequest{"nothing", {1}, "identity", ""}).ok());
  const auto opened =
      Ask<StreamReply>(service_, OpenStreamRequest{{.collection = "toy", .batch_size = 300}});
  ASSERT_TRUE(opened.ok()) << Text(opened);
  EXPECT_EQ(Replies(service_, ToFrame(BatchesRequest{opened->spec, opened->fingerprint, 0, 0, 10}))
                .size(),
            5u);

  const auto stats = Ask<StatsReply>(service_, StatsRequest{});
  ASSERT_TRUE(stats.ok()) << Text(stats);
  const auto json = nlohmann::json::parse(stats->json);
  EXPECT_EQ(json["store_id"], filled_.store->Stats()->id);
  EXPECT_EQ(json["address"], "tcp://127.0.0.1:1");
  EXPECT_GE(json["uptime_s"], 0.0);
  EXPECT_EQ(json["connections"], 3);
  EXPECT_EQ(json["collections"], 1);
  EXPECT_EQ(json["requests"]["Query"], 2);
  EXPECT_EQ(json["requests"]["OpenStream"], 1);
  EXPECT_EQ(json["batches"], 4);
  EXPECT_EQ(json["rows"], 1000);
  EXPECT_GT(json["bytes"], 1000 * kTestDim * sizeof(float));
  ASSERT_EQ(json["spaces"].size(), 1u);
  EXPECT_EQ(json["spaces"][0]["backbone"], "phi@1");
  EXPECT_EQ(json["spaces"][0]["backbone_digest"], TestBackbone().Hex());
  EXPECT_EQ(json["spaces"][0]["dim"], kTestDim);
  EXPECT_EQ(json["spaces"][0]["dtype"], "f32");
  EXPECT_EQ(json["spaces"][0]["rows"], kTestSamples);
  for (const char* key :
       {"version", "disk_bytes", "resident_bytes", "memory_budget_bytes", "write_error"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST_F(ServiceRegistryTest, VerifiesTheStoreStepByStep) {
  std::string cursor;
  uint64_t checked = 0;
  do {
    const auto step = Ask<VerifyReply>(service_, VerifyRequest{cursor});
    ASSERT_TRUE(step.ok()) << Text(step);
    EXPECT_TRUE(step->problems.empty());
    checked += step->checked;
    cursor = step->cursor;
  } while (!cursor.empty());
  EXPECT_GT(checked, 0u);
}

TEST_F(ServiceRegistryTest, GivesARecordByNameVersionAndAlias) {
  ASSERT_TRUE(Ask<EndReply>(service_, SetAliasRequest{RecordKind::kTransform, "shift", "old", 1,
                                                      "why", 0, false})
                  .ok());
  const std::pair<std::string, uint32_t> expected[] = {
      {"shift", 2}, {"shift@1", 1}, {"shift@old", 1}};
  for (const auto& [ref, version] : expected) {
    const auto reply =
        Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kTransform, ref, false});
    ASSERT_TRUE(reply.ok()) << Text(reply);
    EXPECT_EQ(reply->name, "shift");
    EXPECT_EQ(reply->version, version);
    EXPECT_TRUE(reply->blob.empty());
    EXPECT_TRUE(Decode<TransformRecord>(reply->record).ok());
  }
}

TEST_F(ServiceRegistryTest, GivesTheWeightsWhenAsked) {
  const auto reply =
      Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kTransform, "double", true});
  ASSERT_TRUE(reply.ok()) << Text(reply);
  EXPECT_EQ(*Layers::FromSafetensors(reply->blob), ScalingLayers(2, 0));
}

TEST_F(ServiceRegistryTest, NamesTheRecordThatDoesNotExist) {
  const auto reply =
      Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kTransform, "hflip@7", false});
  EXPECT_EQ(reply.status().code(), Code::kNotFound);
  EXPECT_THAT(reply.status().message(), HasSubstr("hflip"));
}

TEST_F(ServiceRegistryTest, KeepsInternalRecordsToItself) {
  for (const RecordKind kind : {RecordKind::kSpace, RecordKind::kDraft}) {
    EXPECT_EQ(Ask<RecordReply>(service_, GetRecordRequest{kind, "x", false}).status().code(),
              Code::kInvalidArgument);
    EXPECT_EQ(Ask<RecordListReply>(service_, ListRecordsRequest{kind, ""}).status().code(),
              Code::kInvalidArgument);
  }
}

TEST_F(ServiceRegistryTest, ListsAllNamesOrOne) {
  const auto all = Ask<RecordListReply>(service_, ListRecordsRequest{RecordKind::kTransform, ""});
  ASSERT_TRUE(all.ok()) << Text(all);
  ASSERT_EQ(all->records.size(), 3u);
  EXPECT_EQ(all->records[0].name, "double");
  EXPECT_EQ(all->records[2].version, 2u);
  const auto one =
      Ask<RecordListReply>(service_, ListRecordsRequest{RecordKind::kTransform, "shift"});
  EXPECT_EQ(one->records.size(), 2u);
  const auto none = Ask<RecordListReply>(service_, ListRecordsRequest{RecordKind::kHead, ""});
  EXPECT_TRUE(none->records.empty());
}

TEST_F(ServiceRegistryTest, AddsTheNextVersionOfATransform) {
  const Layers layers = ScalingLayers(5, 1);
  const auto added =
      Add(RecordKind::kTransform, "shift", Encode(TestTransform(layers)), layers.ToSafetensors());
  ASSERT_TRUE(added.ok()) << Text(added);
  EXPECT_EQ(added->name, "shift");
  EXPECT_EQ(added->version, 3u);
  EXPECT_EQ(filled_.catalog->GetWeights({RecordKind::kTransform, "shift", 3}).value().layers,
            layers);
}

TEST_F(ServiceRegistryTest, RefusesWeightsThatAreNotTheRecords) {
  const auto added =
      Add(RecordKind::kTransform, "shift", Encode(TestTransform(ScalingLayers(5, 1))),
          ScalingLayers(6, 1).ToSafetensors());
  EXPECT_EQ(added.status().code(), Code::kInvalidArgument);
}

TEST_F(ServiceRegistryTest, GivesTheSameBackboneTheSameVersion) {
  const auto again = Add(RecordKind::kBackbone, "phi", Encode(TestBackboneRecord()));
  ASSERT_TRUE(again.ok()) << Text(again);
  EXPECT_EQ(again->version, 1u);
  const auto blob = Add(RecordKind::kBackbone, "phi", Encode(TestBackboneRecord()), "a file");
  EXPECT_EQ(blob.status().code(), Code::kInvalidArgument);
}

TEST_F(ServiceRegistryTest, AddsAHead) {
  HeadRecord head;
  head.backbone = TestBackbone();
  head.dim = kTestDim;
  head.arch = "linear";
  for (uint32_t i = 0; i < kTestDim; ++i) head.classes.push_back("class" + std::to_string(i));
  const auto added =
      Add(RecordKind::kHead, "psi", Encode(head), ScalingLayers(1, 0).ToSafetensors());
  ASSERT_TRUE(added.ok()) << Text(added);
  EXPECT_EQ(added->version, 1u);
}

TEST_F(ServiceRegistryTest, RefusesARecordThatDoesNotDecodeAsTheSendersFault) {
  for (const RecordKind kind : {RecordKind::kBackbone, RecordKind::kTransform, RecordKind::kHead}) {
    const auto added = Add(kind, "x", "no record at all");
    EXPECT_EQ(added.status().code(), Code::kInvalidArgument) << Text(added);
  }
}

TEST_F(ServiceRegistryTest, AddsNoCollectionsAsRecords) {
  const auto added = Add(RecordKind::kCollection, "toy", "");
  EXPECT_EQ(added.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(added.status().message(), HasSubstr("draft"));
}

TEST_F(ServiceRegistryTest, DeletesWithoutWhatNamesItOrSaysWhatThatIs) {
  const auto kept =
      Ask<DeletionReply>(service_, DeleteRecordRequest{RecordKind::kBackbone, "phi@1"});
  EXPECT_EQ(kept.status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(Ask<EndReply>(service_, SetAliasRequest{RecordKind::kTransform, "double", "best", 1,
                                                      "", 0, false})
                  .ok());
  DeleteRecordRequest request{RecordKind::kTransform, "double@1"};
  const auto named = Ask<DeletionReply>(service_, request);
  EXPECT_EQ(named.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(named.status().message(), HasSubstr("alias 'best'"));
  request.preview = true;
  const auto listed = Ask<DeletionReply>(service_, request);
  ASSERT_TRUE(listed.ok()) << Text(listed);
  EXPECT_EQ(listed->records.size(), 2u);
  EXPECT_FALSE(listed->applied);
  request = {RecordKind::kTransform, "double@1", true, false};
  EXPECT_TRUE(Ask<DeletionReply>(service_, request)->applied);
  EXPECT_EQ(Ask<DeletionReply>(service_, request).status().code(), Code::kNotFound);
}

TEST_F(ServiceRegistryTest, GivesBackWhatNothingNames) {
  ASSERT_TRUE(
      Ask<DeletionReply>(service_, DeleteRecordRequest{RecordKind::kCollection, "toy"}).ok());
  GarbageRequest request{0, true, false};
  GarbageReply reply;
  do {
    const auto answered = Ask<GarbageReply>(service_, request);
    ASSERT_TRUE(answered.ok()) << Text(answered);
    reply = *answered;
    request.run = reply.run;
  } while (!reply.step.phase.empty());
  EXPECT_EQ(reply.step.rows, kTestSamples);
  EXPECT_EQ(filled_.store->FindSpace(TestBackbone())->rows, 0u);
}

TEST_F(ServiceRegistryTest, TellsTheHistoryOfAliases) {
  ASSERT_TRUE(Ask<EndReply>(service_, SetAliasRequest{RecordKind::kTransform, "shift", "best", 1,
                                                      "first", 0, false})
                  .ok());
  ASSERT_TRUE(Ask<EndReply>(service_, SetAliasRequest{RecordKind::kTransform, "shift", "best", 2,
                                                      "better", 0, false})
                  .ok());
  const auto reply =
      Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kAliases, "transform/shift", false});
  ASSERT_TRUE(reply.ok()) << Text(reply);
  const auto history = Decode<AliasHistory>(reply->record);
  ASSERT_EQ(history->moves.size(), 2u);
  EXPECT_EQ(history->moves[1].note, "better");
  EXPECT_EQ(Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kAliases, "shift", false})
                .status()
                .code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Ask<EndReply>(service_,
                          SetAliasRequest{RecordKind::kTransform, "shift", "best", 9, "", 0, false})
                .status()
                .code(),
            Code::kNotFound);
}

}  // namespace
}  // namespace augstore
