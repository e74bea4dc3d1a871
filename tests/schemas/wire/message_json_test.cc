#include "schemas/wire/message_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/schemas/wire/message_samples.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

template <typename Message>
Message Sample() {
  Message message;
  samples::Fill(&message);
  return message;
}

// What a request's JSON form becomes, as a message again.
template <typename Request>
Result<Request> Read(std::string_view name, const std::string& json) {
  const std::optional<MessageType> type = FindJsonRequest(name);
  if (!type.has_value()) return NotFound("{}", name);
  AUGSTORE_ASSIGN(const Frame frame, RequestFromJson(*type, Json::parse(json)));
  return FromFrame<Request>(frame);
}

Json Write(const Frame& frame) {
  const Result<Json> json = ReplyToJson(frame);
  EXPECT_TRUE(json.ok()) << json.status().ToString();
  return json.ok() ? *json : Json();
}

TEST(MessageJsonTest, ReadsTheFieldsOfARequest) {
  const auto query = Read<QueryRequest>("Query",
                                        R"({"collection": "photos@2", "samples": [5, "7", 0],
                                            "chain": "vflip"})");
  ASSERT_TRUE(query.ok()) << query.status().ToString();
  EXPECT_EQ(query->collection, "photos@2");
  EXPECT_EQ(query->samples, (std::vector<SampleId>{5, 7, 0}));
  EXPECT_EQ(query->chain, "vflip");
  EXPECT_EQ(query->label_column, "");
}

TEST(MessageJsonTest, ReadsWhatAUrlCanSayWhichIsTexts) {
  const auto records = Read<DeleteRecordRequest>(
      "DeleteRecord",
      R"({"kind": "transform", "ref": "vflip@2", "cascade": "true", "preview": "0"})");
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ(records->kind, RecordKind::kTransform);
  EXPECT_TRUE(records->cascade);
  EXPECT_FALSE(records->preview);
  EXPECT_EQ(Read<BrowseRequest>("Browse", R"({"limit": "20"})")->limit, 20u);
}

TEST(MessageJsonTest, ReadsObjectsWithinObjectsAndEnumsByTheirNames) {
  const auto open = Read<OpenStreamRequest>(
      "OpenStream", R"({"spec": {"collection": "photos", "seed": "18446744073709551615",
                                 "batch_size": 8, "shuffle": true, "dtype": "u8",
                                 "precision": "int8"}})");
  ASSERT_TRUE(open.ok()) << open.status().ToString();
  EXPECT_EQ(open->spec.seed, ~uint64_t{0});
  EXPECT_EQ(open->spec.batch_size, 8u);
  EXPECT_EQ(open->spec.dtype, Dtype::kU8);
  EXPECT_EQ(open->spec.precision, Precision::kInt8);
}

TEST(MessageJsonTest, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"colection": "photos"})", "no field 'colection' here: there are collection, samples"},
      {R"({"collection": 7})", "field 'collection': a text is needed"},
      {R"({"samples": 7})", "field 'samples': a list is needed"},
      {R"({"samples": [-1]})", "field 'samples'"},
      {R"({"samples": [1.5]})", "field 'samples'"},
      {R"({"samples": [{"deep": []}]})", "field 'samples'"},
      {R"({"samples": ["18446744073709551616"]})", "field 'samples'"},
      {R"([])", "a JSON object is needed"},
      {R"("photos")", "a JSON object is needed"},
  };
  for (const auto& [json, why] : cases) {
    const Status status = Read<QueryRequest>("Query", json).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << json;
    EXPECT_THAT(status.message(), HasSubstr(why)) << json;
  }
  EXPECT_THAT(Read<BrowseRequest>("Browse", R"({"kind": "space ship"})").status().message(),
              HasSubstr("field 'kind': 'space ship' is no kind of record"));
  EXPECT_THAT(
      Read<DeleteRecordRequest>("DeleteRecord", R"({"cascade": {"a": [[[]]]}})").status().message(),
      HasSubstr("field 'cascade'"));
  EXPECT_THAT(
      Read<OpenStreamRequest>("OpenStream", R"({"spec": {"seed": true}})").status().message(),
      HasSubstr("field 'spec': field 'seed'"));
}

TEST(MessageJsonTest, HasNoFormForWhatCarriesEmbeddings) {
  for (const char* name :
       {"AppendRows", "ReadRows", "AddRecord", "Authenticate", "QueryRequest", ""}) {
    EXPECT_FALSE(FindJsonRequest(name).has_value()) << name;
  }
}

TEST(MessageJsonTest, WritesRecordsDecoded) {
  RecordReply reply{RecordKind::kCollection, "cifar10", 2, Encode(samples::Collection()),
                    "weights"};
  const Json json = Write(ToFrame(reply));
  EXPECT_EQ(json["kind"], "collection");
  EXPECT_EQ(json["name"], "cifar10");
  EXPECT_EQ(json["version"], 2);
  EXPECT_FALSE(json.contains("blob"));
  const Json& record = json["record"];
  EXPECT_EQ(record["digest"], samples::Collection().digest.Hex());
  EXPECT_EQ(record["dtype"], std::string(DtypeName(samples::Collection().dtype)));
  EXPECT_EQ(record["labels"][0]["name"], samples::Collection().labels[0].name);
  EXPECT_EQ(record["views"][0]["law"], samples::Collection().views[0].law);
  EXPECT_FALSE(record.contains("format"));

  reply = {RecordKind::kTransform, "hflip", 3, Encode(samples::Transform()), ""};
  EXPECT_EQ(Write(ToFrame(reply))["record"]["card"]["entries"][0]["r2"],
            samples::Transform().card.entries[0].r2);
  reply = {RecordKind::kAliases, "transform/hflip", 1, Encode(samples::Aliases()), ""};
  EXPECT_EQ(Write(ToFrame(reply))["record"]["moves"][0]["alias"],
            samples::Aliases().moves[0].alias);
  reply = {RecordKind::kHead, "digits", 1, Encode(samples::Head()), ""};
  EXPECT_EQ(Write(ToFrame(reply))["record"]["lineage"]["stream"]["collection"],
            samples::Head().lineage.stream.collection);
  reply = {RecordKind::kHead, "digits", 1, "damaged", ""};
  EXPECT_EQ(ReplyToJson(ToFrame(reply)).status().code(), Code::kDataLoss);
}

TEST(MessageJsonTest, WritesIntegersThatJavaScriptWouldRoundAsTexts) {
  const Json json = Write(ToFrame(GarbageReply{(uint64_t{1} << 53) + 1, {}}));
  EXPECT_EQ(json["run"], "9007199254740993");
  EXPECT_EQ(Write(ToFrame(GarbageReply{uint64_t{1} << 53, {}}))["run"], uint64_t{1} << 53);
  const auto again = Read<GarbageRequest>("Garbage", R"({"run": "9007199254740993"})");
  EXPECT_EQ(again->run, (uint64_t{1} << 53) + 1);
}

TEST(MessageJsonTest, WritesWhatIsJsonAlreadyAsItself) {
  EXPECT_EQ(Write(ToFrame(StatsReply{R"({"rows": 7})"})), Json({{"rows", 7}}));
  EXPECT_EQ(Write(ToFrame(Sample<BackupReply>()))["json"]["id"], 3);
  EXPECT_TRUE(Write(ToFrame(BackupReply{}))["json"].is_null());
  EXPECT_EQ(Write(ToFrame(EndReply{})), Json::object());
}

TEST(MessageJsonTest, WritesABatchWithItsRows) {
  BatchWriter writer(2, 3);
  for (size_t i = 0; i < 6; ++i) writer.embeddings().data[i] = static_cast<float>(i);
  for (size_t i = 0; i < 2; ++i) {
    writer.samples()[i] = 10 + i;
    writer.labels()[i] = -1;
    writer.chains()[i] = 1;
  }
  const Json json = Write(BatchFrame(writer.Finish(4, 5).value(), 0));
  EXPECT_EQ(json["epoch"], 4);
  EXPECT_EQ(json["step"], 5);
  EXPECT_EQ(json["dim"], 3);
  EXPECT_EQ(json["sample_ids"], Json({10, 11}));
  EXPECT_EQ(json["labels"], Json({-1, -1}));
  EXPECT_EQ(json["chains"], Json({1, 1}));
  EXPECT_EQ(json["rows"][1], Json({3, 4, 5}));
}

TEST(MessageJsonTest, ReportsTheErrorThatAReplyCarries) {
  const auto json = ReplyToJson(ErrorFrame(NotFound("no such thing"), 0));
  EXPECT_EQ(json.status().code(), Code::kNotFound);
  EXPECT_EQ(json.status().message(), "no such thing");
}

}  // namespace
}  // namespace augstore
