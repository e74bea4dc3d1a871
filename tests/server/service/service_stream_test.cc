#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stop_token>

#include "schemas/base/limits.h"
#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServiceStreamTest : public ::testing::Test {
 protected:
  Result<StreamReply> Open(const StreamSpec& spec) {
    return Ask<StreamReply>(service_, OpenStreamRequest{spec});
  }
  std::vector<Frame> Run(const StreamReply& stream, uint64_t epoch, uint64_t step, uint32_t count) {
    return Replies(service_,
                   ToFrame(BatchesRequest{stream.spec, stream.fingerprint, epoch, step, count}));
  }
  Status Refusal(const BatchesRequest& request) {
    return ExpectType(AskFrame(service_, ToFrame(request)), MessageType::kBatchReply);
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
};

TEST_F(ServiceStreamTest, QueriesSamplesInTheOrderAsked) {
  const auto batch = AskForBatch(service_, QueryRequest{"toy", {900, 4, 900}, "identity", ""});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  EXPECT_THAT(batch->samples, ElementsAre(900, 4, 900));
  EXPECT_THAT(batch->labels, ElementsAre(0, 4, 0));
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(batch->embeddings.row(i)[5], TestValue(batch->samples[i], 5));
}

TEST_F(ServiceStreamTest, QueriesThroughAChain) {
  const auto batch = AskForBatch(service_, QueryRequest{"toy@1", {17}, "double>shift@1", "label"});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  EXPECT_FLOAT_EQ(batch->embeddings.row(0)[3], 2 * TestValue(17, 3) + 1);
}

TEST_F(ServiceStreamTest, QueriesThroughASpatialTransform) {
  ASSERT_TRUE(AddSpatialTransform(*filled_.catalog).ok());
  const auto batch = AskForBatch(service_, QueryRequest{"toy", {200, 7}, "upside>double", ""});
  ASSERT_TRUE(batch.ok()) << Text(batch);
  EXPECT_EQ(batch->embeddings.row(0)[1], 2 * (TestValue(200, 1) + TestFeatureMapValue(200, 0)));
  EXPECT_EQ(batch->embeddings.row(1)[5], 2 * (TestValue(7, 5) + TestFeatureMapValue(7, 0)));
}

TEST_F(ServiceStreamTest, KeepsTablesAndTransformsWithinTheirMemory) {
  // Room for one table while it is loaded, and for both transforms.
  constexpr uint64_t kBytes = kTestTrain * 20 + 2048;
  Service service(filled_.catalog.get(), {.address = "", .stream_bytes = kBytes});
  const auto taken = [&service] {
    const auto stats = Ask<StatsReply>(service, StatsRequest{});
    return nlohmann::json::parse(stats.value().json)["stream_bytes"].get<uint64_t>();
  };
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const StreamSpec spec{
        .collection = "toy", .split = "train", .policy = "double:1,shift:1", .seed = seed};
    const auto opened = Ask<StreamReply>(service, OpenStreamRequest{spec});
    ASSERT_TRUE(opened.ok()) << Text(opened);
    seen.insert(taken());
  }
  EXPECT_LE(*seen.rbegin(), kBytes);
  EXPECT_GT(*seen.begin(), 0u);
  Service little(filled_.catalog.get(), {.address = "", .stream_bytes = 100});
  const auto refused = Ask<StreamReply>(little, OpenStreamRequest{{.collection = "toy"}});
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.status().message(), HasSubstr("a sample table"));
}

// The reply of a service that is told to give up before it begins.
Status Cancelled(Service& service, const Frame& request) {
  std::stop_source stop;
  stop.request_stop();
  const Cancellation cancellation(stop.get_token(), Cancellation::Clock::time_point::max());
  const auto source = service.Start(request, Owner(0, "test"));
  const ReplyTask task = source->NextTask(cancellation);
  const Reply reply = task([] {}, cancellation);
  return ExpectType(reply.frame, MessageType::kEndReply);
}

TEST_F(ServiceStreamTest, LoadsNoTableForAClientThatIsGone) {
  const auto known = Ask<StreamReply>(service_, OpenStreamRequest{{.collection = "toy"}});
  ASSERT_TRUE(known.ok()) << Text(known);
  Service fresh(filled_.catalog.get(), {});
  for (const Frame& request : {ToFrame(OpenStreamRequest{{.collection = "toy"}}),
                               ToFrame(QueryRequest{"toy", {1}, "", ""}),
                               ToFrame(BatchesRequest{known->spec, known->fingerprint, 0, 0, 1}),
                               ToFrame(VerifyRequest{})}) {
    EXPECT_EQ(Cancelled(fresh, request).code(), Code::kUnavailable)
        << MessageTypeName(request.type);
  }
  EXPECT_TRUE(Ask<StreamReply>(fresh, OpenStreamRequest{{.collection = "toy"}}).ok());
}

TEST_F(ServiceStreamTest, NamesTheChainWhoseWeightsAreTooLarge) {
  const Layers layers = ScalingLayers(3e38F, 0);
  ASSERT_TRUE(
      filled_.catalog->AddTransform("boom", TestTransform(layers), layers.ToSafetensors()).ok());
  const auto stream = Open({.collection = "toy", .policy = "identity,boom", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  const std::vector<Frame> frames = Run(*stream, 0, 0, 3);
  ASSERT_EQ(frames.size(), 1u);
  const Status status = ExpectType(frames[0], MessageType::kBatchReply);
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("chain boom@1: "));
  const auto query = AskForBatch(service_, QueryRequest{"toy", {5}, "boom", ""});
  EXPECT_EQ(query.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(query.status().message(), HasSubstr("chain boom@1: "));
}

TEST_F(ServiceStreamTest, NamesWhatAQueryCannotFind) {
  const std::pair<QueryRequest, const char*> cases[] = {
      {{"toy", {5, 1000}, "identity", ""}, "sample 1000 "},
      {{"toys", {5}, "identity", ""}, "toys"},
      {{"toy", {5}, "nothing", ""}, "nothing"},
      {{"toy", {5}, "identity", "colour"}, "colour"},
      {{"toy", {5}, "double>>shift", ""}, "double>>shift"},
      {{"toy", std::vector<SampleId>(kMaxBatchRows + 1), "identity", ""}, "limit"},
  };
  for (const auto& [request, named] : cases) {
    const auto batch = AskForBatch(service_, request);
    ASSERT_FALSE(batch.ok()) << named;
    EXPECT_THAT(batch.status().ToString(), HasSubstr(named));
    EXPECT_THAT(batch.status().code(), ::testing::AnyOf(Code::kNotFound, Code::kInvalidArgument));
  }
}

TEST_F(ServiceStreamTest, StreamsInADtypeWithFewerBytes) {
  std::map<Dtype, size_t> bytes;
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8}) {
    const auto stream =
        Open({.collection = "toy", .split = "train", .policy = "identity,double", .dtype = dtype});
    ASSERT_TRUE(stream.ok()) << Text(stream);
    EXPECT_EQ(stream->spec.dtype, dtype);
    const std::vector<Frame> frames = Run(*stream, 0, 0, 1);
    const auto batch = BatchFromFrame(frames.at(0));
    ASSERT_TRUE(batch.ok()) << Text(batch);
    bytes[dtype] = frames[0].body.bytes.size();
    for (size_t i = 0; i < batch->size(); ++i) {
      const float exact =
          TestValue(batch->samples[i], 2) * static_cast<float>(1 + batch->chains[i]);
      EXPECT_NEAR(batch->embeddings.row(i)[2], exact, 0.3);
    }
  }
  EXPECT_LT(bytes[Dtype::kF16], bytes[Dtype::kF32] - 256 * kTestDim * 2 + 128);
  EXPECT_LT(bytes[Dtype::kU8], bytes[Dtype::kF32] - 256 * (kTestDim * 3 - 8) + 128);
}

TEST_F(ServiceStreamTest, AppliesTransformsInInt8WhereTheirCardsAllowIt) {
  ASSERT_TRUE(AddMixingTransform(*filled_.catalog, 0.001).ok());
  StreamSpec spec{.collection = "toy", .split = "train", .policy = "mixing"};
  const auto exact = Open(spec);
  spec.precision = Precision::kInt8;
  const auto int8 = Open(spec);
  ASSERT_TRUE(exact.ok() && int8.ok()) << Text(int8);
  const auto there = BatchFromFrame(Run(*exact, 1, 2, 1).at(0));
  const auto here = BatchFromFrame(Run(*int8, 1, 2, 1).at(0));
  ASSERT_TRUE(there.ok() && here.ok()) << Text(here);
  size_t different = 0;
  for (size_t i = 0; i < here->size() * kTestDim; ++i) {
    EXPECT_NEAR(here->embeddings.data[i], there->embeddings.data[i], 0.5);
    different += here->embeddings.data[i] != there->embeddings.data[i];
  }
  EXPECT_GT(different, 0u);
  spec.policy = "double";
  EXPECT_EQ(Open(spec).status().code(), Code::kFailedPrecondition);
}

TEST_F(ServiceStreamTest, PinsEveryVersionOfAStream) {
  const auto stream =
      Open({.collection = "toy", .split = "train", .policy = "identity,shift", .batch_size = 100});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  EXPECT_EQ(stream->spec.collection, "toy@1");
  EXPECT_THAT(stream->spec.policy, HasSubstr("shift@2"));
  EXPECT_EQ(stream->samples, kTestTrain);
  EXPECT_EQ(stream->steps, 8u);
  EXPECT_EQ(stream->dim, kTestDim);
}

TEST_F(ServiceStreamTest, RunsToTheEndOfTheEpoch) {
  const auto stream = Open({.collection = "toy", .split = "train", .batch_size = 300});
  ASSERT_TRUE(stream.ok()) << Text(stream);
  const auto frames = Run(*stream, 3, 0, 100);
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames.back().type, MessageType::kEndReply);
  std::set<SampleId> seen;
  for (uint64_t step = 0; step < 3; ++step) {
    const auto batch = BatchFromFrame(frames[step]);
    ASSERT_TRUE(batch.ok()) << Text(batch);
    EXPECT_EQ(batch->epoch, 3u);
    EXPECT_EQ(batch->step, step);
    seen.insert(batch->samples.begin(), batch->samples.end());
  }
  EXPECT_EQ(seen.size(), kTestTrain);
}

TEST_F(ServiceStreamTest, RunsAsManyBatchesAsAsked) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  const auto frames = Run(*stream, 0, 4, 2);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(BatchFromFrame(frames[1])->step, 5u);
  EXPECT_EQ(frames[2].type, MessageType::kEndReply);
}

TEST_F(ServiceStreamTest, EndsAtOnceAtTheEndOfTheEpoch) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  const auto frames = Run(*stream, 0, stream->steps, 5);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, MessageType::kEndReply);
}

TEST_F(ServiceStreamTest, RefusesStepsAndCountsOutOfRange) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  for (const auto& [step, count] :
       {std::pair{11ul, 1u}, {~0ul, 1u}, {0ul, 0u}, {0ul, kMaxBatchesPerRequest + 1}}) {
    EXPECT_EQ(Refusal({stream->spec, stream->fingerprint, 0, step, count}).code(),
              Code::kInvalidArgument)
        << step << " " << count;
  }
}

TEST_F(ServiceStreamTest, GivesTheSameBytesFromAColdService) {
  const StreamSpec spec{
      .collection = "toy", .policy = "identity:1,double:2,shift@1>double:1", .seed = 9};
  const auto stream = Open(spec);
  Service other(filled_.catalog.get(), {});
  const BatchesRequest request{stream->spec, stream->fingerprint, 2, 1, 2};
  const auto here = Replies(service_, ToFrame(request));
  const auto there = Replies(other, ToFrame(request));
  ASSERT_EQ(here.size(), 3u);
  ASSERT_EQ(there.size(), 3u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(here[i].body.text(), there[i].body.text());
}

TEST_F(ServiceStreamTest, SaysWhatTheStreamIsWhenTheFingerprintDiffers) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  const Status refusal = Refusal({stream->spec, Digest(), 0, 0, 1});
  EXPECT_EQ(refusal.code(), Code::kFailedPrecondition);
  for (const std::string& part :
       {stream->fingerprint.Hex(), Digest().Hex(), stream->collection_digest.Hex()}) {
    EXPECT_THAT(refusal.message(), HasSubstr(part));
  }
}

TEST_F(ServiceStreamTest, RefusesAFingerprintWithASpecThatIsNotItsOwn) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  StreamSpec other = stream->spec;
  other.seed = 5;
  EXPECT_EQ(Refusal({other, stream->fingerprint, 0, 0, 1}).code(), Code::kFailedPrecondition);
}

TEST_F(ServiceStreamTest, StopsServingACollectionThatWasDeleted) {
  const auto stream = Open({.collection = "toy", .batch_size = 100});
  ASSERT_EQ(Run(*stream, 0, 0, 1).size(), 2u);
  ASSERT_TRUE(
      Ask<DeletionReply>(service_, DeleteRecordRequest{RecordKind::kCollection, "toy@1"}).ok());
  EXPECT_EQ(Refusal({stream->spec, stream->fingerprint, 0, 0, 1}).code(), Code::kNotFound);
}

TEST_F(ServiceStreamTest, NamesWhatAStreamCannotBe) {
  const std::pair<StreamSpec, const char*> cases[] = {
      {{.collection = "nothing"}, "nothing"},
      {{.collection = "toy", .split = "validation"}, "validation"},
      {{.collection = "toy", .policy = "rotate"}, "rotate"},
      {{.collection = "toy", .batch_size = 0}, "0"},
      {{.collection = "toy", .batch_size = kMaxBatchRows + 1}, "65537"},
      {{.collection = "toy", .rank = 2, .world_size = 2}, "2"},
  };
  for (const auto& [spec, named] : cases) {
    const auto stream = Open(spec);
    ASSERT_FALSE(stream.ok()) << named;
    EXPECT_THAT(stream.status().message(), HasSubstr(named));
  }
}

TEST_F(ServiceStreamTest, KeepsServingWhenMoreStreamsAreUsedThanItKeeps) {
  std::vector<StreamReply> streams;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto stream = Open({.collection = "toy", .seed = seed, .batch_size = 500});
    ASSERT_TRUE(stream.ok()) << Text(stream);
    streams.push_back(*stream);
  }
  for (const StreamReply& stream : streams) {
    const auto frames = Run(stream, 0, 0, 10);
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_THAT(BatchFromFrame(frames[0])->chains, Each(0));
  }
}

}  // namespace
}  // namespace augstore
