#include "client/batch_stream.h"
#include "storage/rocksdb/rocksdb_open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/socket_channel.h"
#include "tests/support/ask.h"
#include "tests/support/flaky.h"
#include "tests/support/serving.h"
#include "tools/cli/local_channel.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

const StreamSpec kSpec{.collection = "toy",
                       .policy = "identity:2,double:1,shift>double:1",
                       .seed = 4,
                       .batch_size = 40};

StreamReply Resolve(Service& service, const StreamSpec& spec = kSpec) {
  const auto info = Ask<StreamReply>(service, OpenStreamRequest{spec});
  EXPECT_TRUE(info.ok()) << Text(info);
  return *info;
}

ChannelFactory SocketChannels(const Address& address) {
  return [address] { return ConnectSocket(address); };
}

// Every batch of an epoch, as the server gives it without a network.
std::vector<Batch> Expected(Service& service, const StreamReply& info, uint64_t epoch) {
  std::vector<Batch> batches;
  for (const Frame& frame :
       Replies(service, ToFrame(BatchesRequest{info.spec, info.fingerprint, epoch, 0, 1u << 20}))) {
    if (frame.type == MessageType::kBatchReply) batches.push_back(*BatchFromFrame(frame));
  }
  EXPECT_EQ(batches.size(), info.steps);
  return batches;
}

void ExpectSameBytes(const Batch& got, const Batch& expected) {
  EXPECT_EQ(got.step, expected.step);
  EXPECT_TRUE(got.memory.text() == expected.memory.text()) << "step " << got.step;
}

class BatchStreamTest : public ::testing::Test {
 protected:
  BatchStream Flaky(uint32_t prefetch = 4, const RetryOptions& retry = Eager()) {
    return BatchStream(FlakyChannels(&service_, &faults_), info_, retry, prefetch);
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {}};
  Faults faults_;
  const StreamReply info_ = Resolve(service_);
};

TEST_F(BatchStreamTest, GivesEveryBatchOfAnEpochInOrder) {
  Serving serving;
  const StreamReply info = Resolve(serving.service);
  for (const Address& address : serving.server->addresses()) {
    BatchStream stream(SocketChannels(address), info, Never(), 3);
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      const std::vector<Batch> expected = Expected(serving.service, info, epoch);
      size_t step = 0;
      for (const Result<Batch>& batch : stream.Epoch(epoch)) {
        ASSERT_TRUE(batch.ok()) << Text(batch);
        ASSERT_LT(step, expected.size());
        ExpectSameBytes(*batch, expected[step++]);
      }
      EXPECT_EQ(step, expected.size());
    }
  }
}

// On one machine batches stand in memory that the server shares, as long as anybody holds them.
TEST_F(BatchStreamTest, GivesBatchesThatStayWhateverIsStreamedMeanwhile) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const StreamReply info = Resolve(serving.service, {.collection = "wide", .batch_size = 8});
  std::vector<Batch> kept;
  const std::vector<Batch> expected = Expected(serving.service, info, 0);
  {
    BatchStream stream(SocketChannels(serving.unix_socket()), info, Never(), 3);
    for (const Result<Batch>& batch : stream.Epoch(0)) {
      ASSERT_TRUE(batch.ok()) << Text(batch);
      kept.push_back(*batch);
    }
    size_t step = 0;
    for (const Result<Batch>& batch : stream.Epoch(0)) {
      ASSERT_TRUE(batch.ok()) << Text(batch);
      ExpectSameBytes(*batch, expected[step++]);
    }
  }
  serving.Stop();
  ASSERT_EQ(kept.size(), expected.size());
  for (size_t step = 0; step < kept.size(); ++step) ExpectSameBytes(kept[step], expected[step]);
}

TEST_F(BatchStreamTest, GivesNothingMoreAfterTheLastBatch) {
  BatchStream stream = Flaky();
  stream.Seek(0, info_.steps - 1);
  EXPECT_TRUE(stream.Next()->has_value());
  EXPECT_FALSE(stream.Next()->has_value());
  EXPECT_FALSE(stream.Next()->has_value());
}

TEST_F(BatchStreamTest, RefusesNextBeforeSeek) {
  BatchStream stream = Flaky();
  EXPECT_EQ(stream.Next().status().code(), Code::kFailedPrecondition);
}

TEST_F(BatchStreamTest, StartsAtAnyStep) {
  BatchStream stream = Flaky();
  const std::vector<Batch> expected = Expected(service_, info_, 2);
  for (const uint64_t start : {7u, 0u, 24u, 25u}) {
    uint64_t step = start;
    for (const Result<Batch>& batch : stream.Epoch(2, start))
      ExpectSameBytes(*batch, expected[step++]);
    EXPECT_EQ(step, expected.size());
  }
}

TEST_F(BatchStreamTest, SaysThatAStepIsAfterTheEnd) {
  BatchStream stream = Flaky();
  int elements = 0;
  for (const Result<Batch>& batch : stream.Epoch(0, info_.steps + 1)) {
    EXPECT_EQ(batch.status().code(), Code::kInvalidArgument);
    ++elements;
  }
  EXPECT_EQ(elements, 1) << "an error is the last element";
  EXPECT_EQ(stream.Next().status().code(), Code::kInvalidArgument)
      << "and stays until the next Seek";
  stream.Seek(0, 0);
  EXPECT_TRUE(stream.Next()->has_value());
}

TEST_F(BatchStreamTest, ReplaysOneBatchDuringARun) {
  Serving serving;
  const StreamReply info = Resolve(serving.service);
  BatchStream stream(SocketChannels(serving.tcp()), info, Never(), 2);
  const std::vector<Batch> expected = Expected(serving.service, info, 0);
  stream.Seek(0, 0);
  for (size_t step = 0; step < expected.size(); ++step) {
    const size_t other = expected.size() - 1 - step;
    const auto replayed = stream.Get(0, other);
    ASSERT_TRUE(replayed.ok()) << Text(replayed);
    ExpectSameBytes(*replayed, expected[other]);
    ExpectSameBytes(**stream.Next(), expected[step]);
  }
  EXPECT_EQ(stream.Get(0, info.steps).status().code(), Code::kInvalidArgument);
}

TEST_F(BatchStreamTest, JumpsInTheMiddleOfARun) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const StreamReply info =
      Resolve(serving.service, {.collection = "wide", .seed = 1, .batch_size = 8});
  BatchStream stream(SocketChannels(serving.unix_socket()), info, Eager(), 2);
  for (uint64_t jump = 0; jump < 30; ++jump) {
    stream.Seek(jump / 10, (jump * 17) % info.steps);
    const auto batch = stream.Next();
    ASSERT_TRUE(batch.ok() && batch->has_value()) << Text(batch);
    EXPECT_EQ((*batch)->epoch, jump / 10);
    EXPECT_EQ((*batch)->step, (jump * 17) % info.steps);
  }
}

TEST_F(BatchStreamTest, GoesOnAtTheNextStepHoweverOftenTheConnectionBreaks) {
  for (const Code code : {Code::kUnavailable, Code::kDataLoss, Code::kDeadlineExceeded}) {
    faults_.code = code;
    faults_.frames_per_connection = 3;
    faults_.connects = 2;
    BatchStream stream = Flaky(2);
    const std::vector<Batch> expected = Expected(service_, info_, 1);
    size_t step = 0;
    for (const Result<Batch>& batch : stream.Epoch(1)) {
      ASSERT_TRUE(batch.ok()) << Text(batch);
      ExpectSameBytes(*batch, expected[step++]);
    }
    EXPECT_EQ(step, expected.size());
  }
}

TEST_F(BatchStreamTest, GivesUpWhenItMayNotRetry) {
  faults_.frames_per_connection = 3;
  BatchStream stream = Flaky(4, Never());
  std::vector<Code> codes;
  for (const Result<Batch>& batch : stream.Epoch(0)) codes.push_back(batch.status().code());
  EXPECT_THAT(codes, ::testing::ElementsAre(Code::kOk, Code::kOk, Code::kOk, Code::kUnavailable));
}

TEST_F(BatchStreamTest, EndsAtOnceThoughTheServerIsGone) {
  faults_.connects = 1 << 30;
  const RetryOptions patient{.total = std::chrono::hours(1),
                             .first_pause = std::chrono::hours(1),
                             .max_pause = std::chrono::hours(1)};
  BatchStream stream = Flaky(4, patient);
  stream.Seek(0, 0);
  EXPECT_TRUE(Eventually([&] { return faults_.opened > 0; }));
  stream.Seek(1, 0);
  EXPECT_TRUE(Eventually([&] { return faults_.opened > 1; }));
}

TEST_F(BatchStreamTest, EndsAtOnceThoughTheServerSaysNothing) {
  RawListener silent;
  BatchStream stream(SocketChannels(silent.address()), info_, Eager(), 4);
  stream.Seek(0, 0);
  RawSocket peer = silent.Accept();
  EXPECT_TRUE(peer.Receive().ok());
}

TEST_F(BatchStreamTest, SurvivesAServerThatClosesSlowReaders) {
  Serving serving({.write_timeout = std::chrono::milliseconds(20)});
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const StreamReply info = Resolve(serving.service, {.collection = "wide", .batch_size = 8});
  BatchStream stream(SocketChannels(serving.unix_socket()), info, Eager(), 1);
  stream.Seek(0, 0);
  for (uint64_t step = 0; step < info.steps; ++step) {
    // Takes a batch, then nothing until the server has had enough.
    if (step == 3) {
      EXPECT_TRUE(Eventually([&] { return serving.server->connections() == 0; }));
    }
    const auto batch = stream.Next();
    ASSERT_TRUE(batch.ok() && batch->has_value()) << Text(batch);
    EXPECT_EQ((*batch)->step, step);
  }
  EXPECT_FALSE(stream.Next()->has_value());
}

TEST_F(BatchStreamTest, GivesEveryBatchOnceWhenTheServerIsRestarted) {
  Serving serving;
  ASSERT_TRUE(AddWideCollection(*serving.filled.catalog).ok());
  const StreamReply info =
      Resolve(serving.service, {.collection = "wide", .seed = 8, .batch_size = 8});
  const std::vector<Batch> expected = Expected(serving.service, info, 0);
  for (const Address& address : {serving.tcp(), serving.unix_socket()}) {
    BatchStream stream(SocketChannels(address), info, Eager(), 2);
    size_t step = 0;
    for (const Result<Batch>& batch : stream.Epoch(0)) {
      ASSERT_TRUE(batch.ok()) << Text(batch);
      ExpectSameBytes(*batch, expected[step++]);
      if (step == 5 || step == 20) {
        serving.Stop();
        serving.Start();
      }
    }
    EXPECT_EQ(step, expected.size());
  }
}

TEST_F(BatchStreamTest, GoesOnFromAStoreOnDiskThatWasReopened) {
  const TempDir dir;
  std::unique_ptr<Store> store;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<Service> service;
  std::unique_ptr<Server> server;
  Address address{Address::Kind::kTcp, "127.0.0.1", 0, ""};
  const auto start = [&] {
    store = OpenRocksDbStore(dir.path() + "/db", {}).value();
    catalog = Catalog::Open(store.get()).value();
    service = std::make_unique<Service>(catalog.get(), ServiceOptions{});
    server =
        Server::Start(service.get(), {.listen = {address}, .insecure = true, .workers = 2}).value();
    address = server->addresses()[0];
  };
  start();
  ASSERT_TRUE(FillCatalog(*catalog).ok());
  const StreamReply info = Resolve(*service);
  const std::vector<Batch> expected = Expected(*service, info, 0);
  BatchStream stream(SocketChannels(address), info, Eager(), 1);
  size_t step = 0;
  for (const Result<Batch>& batch : stream.Epoch(0)) {
    ASSERT_TRUE(batch.ok()) << Text(batch);
    ExpectSameBytes(*batch, expected[step++]);
    if (step != 10) continue;
    server.reset();
    service.reset();
    catalog.reset();
    store.reset();
    start();
  }
  EXPECT_EQ(step, expected.size());
}

TEST_F(BatchStreamTest, RefusesAServerThatHasAnotherCollectionNow) {
  FilledStore changed(1);
  Service other(changed.catalog.get(), {});
  BatchStream stream(LocalChannels(&other), info_, Eager(), 2);
  stream.Seek(0, 3);
  const auto refused = stream.Next();
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.status().message(), HasSubstr(info_.fingerprint.Hex()));
  EXPECT_THAT(refused.status().message(), HasSubstr("collection 'toy@1'"));
  EXPECT_EQ(stream.Get(0, 3).status().code(), Code::kFailedPrecondition);
}

// What of a batch does not depend on who asked for it.
struct Rows {
  std::vector<SampleId> samples;
  std::vector<int32_t> labels;
  std::vector<std::string> chains;
  std::vector<float> values;
  bool operator==(const Rows&) const = default;
};

TEST_F(BatchStreamTest, GivesTheSameGlobalOrderToAnyNumberOfRanks) {
  Serving serving;
  std::map<uint32_t, std::map<uint64_t, Rows>> epochs;  // world size -> global batch -> rows
  for (const uint32_t world_size : {1u, 2u, 5u}) {
    for (uint32_t rank = 0; rank < world_size; ++rank) {
      StreamSpec spec = kSpec;
      spec.rank = rank;
      spec.world_size = world_size;
      const StreamReply info = Resolve(serving.service, spec);
      BatchStream stream(SocketChannels(serving.tcp()), info, Never(), 4);
      for (const Result<Batch>& batch : stream.Epoch(6)) {
        ASSERT_TRUE(batch.ok()) << Text(batch);
        Rows& rows = epochs[world_size][batch->step * world_size + rank];
        rows.samples.assign(batch->samples.begin(), batch->samples.end());
        rows.labels.assign(batch->labels.begin(), batch->labels.end());
        for (const uint16_t chain : batch->chains) rows.chains.push_back(info.chains[chain]);
        const ConstMatrixView values = batch->embeddings;
        rows.values.assign(values.data, values.data + values.rows * values.cols);
      }
    }
  }
  EXPECT_EQ(epochs[1].size(), kTestSamples / kSpec.batch_size);
  EXPECT_TRUE(epochs[1] == epochs[2]);
  EXPECT_TRUE(epochs[1] == epochs[5]);
}

}  // namespace
}  // namespace augstore
