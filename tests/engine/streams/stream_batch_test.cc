#include "engine/streams/stream_batch.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "engine/kernels/tile_engine.h"
#include "engine/transforms/precision.h"
#include "tests/engine/streams/stream_support.h"

namespace augstore {
namespace {

struct Row {
  SampleId sample;
  uint16_t chain;
  auto operator<=>(const Row&) const = default;
};

class BuildBatchTest : public StreamTest {
 protected:
  // The rows of global batch `index` are those of rank index % world_size at step index /
  // world_size.
  std::vector<std::vector<Row>> Epoch(StreamSpec spec, uint64_t epoch) {
    std::vector<std::shared_ptr<const Stream>> ranks;
    for (spec.rank = 0; spec.rank < spec.world_size; ++spec.rank) ranks.push_back(Resolve(spec));
    std::vector<std::vector<Row>> batches;
    for (uint64_t index = 0;; ++index) {
      const Stream& stream = *ranks[index % ranks.size()];
      if (index / ranks.size() >= stream.info.steps) return batches;
      const Batch batch = Build(stream, epoch, index / ranks.size(), *engine_);
      std::vector<Row> rows;
      for (size_t i = 0; i < batch.size(); ++i) rows.push_back({batch.samples[i], batch.chains[i]});
      batches.push_back(std::move(rows));
    }
  }

  static std::vector<Row> Sorted(const std::vector<std::vector<Row>>& batches) {
    std::vector<Row> rows;
    for (const auto& batch : batches) rows.insert(rows.end(), batch.begin(), batch.end());
    std::sort(rows.begin(), rows.end());
    return rows;
  }

  std::unique_ptr<Engine> engine_ = NewTileEngine();
};

TEST_F(BuildBatchTest, GivesEverySampleOnceInAnEpoch) {
  for (const bool shuffle : {true, false}) {
    StreamSpec spec = Spec();
    spec.shuffle = shuffle;
    const auto rows = Sorted(Epoch(spec, 3));
    ASSERT_EQ(rows.size(), kTestTrain);
    for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i].sample, i);
  }
}

TEST_F(BuildBatchTest, GivesTheSameGlobalOrderForAnyWorldSize) {
  const auto alone = Epoch(Spec(), 3);
  for (const uint32_t world_size : {2u, 5u}) {
    StreamSpec spec = Spec();
    spec.world_size = world_size;
    EXPECT_EQ(Epoch(spec, 3), alone) << world_size;
  }
}

TEST_F(BuildBatchTest, KeepsTheChainOfASampleForAnyBatchSizeAndOrder) {
  const auto rows = Sorted(Epoch(Spec(), 3));
  for (const uint32_t batch_size : {1u, 7u, 256u, 1000u}) {
    StreamSpec spec = Spec();
    spec.batch_size = batch_size;
    EXPECT_EQ(Sorted(Epoch(spec, 3)), rows) << batch_size;
  }
  StreamSpec spec = Spec();
  spec.shuffle = false;
  EXPECT_EQ(Sorted(Epoch(spec, 3)), rows);
}

// These rows decide what streams give. If this test fails, every stored fingerprint is wrong: mend
// the code, not the test.
TEST_F(BuildBatchTest, NeverChangesItsOrderAndItsDraws) {
  StreamSpec spec = Spec("identity:2,double:1,shift:1");
  spec.batch_size = 8;
  const auto stream = Resolve(spec);
  const Batch batch = Build(*stream, 2, 0, *engine_);
  EXPECT_EQ(std::vector<SampleId>(batch.samples.begin(), batch.samples.end()),
            (std::vector<SampleId>{329, 639, 334, 88, 624, 358, 163, 411}));
  EXPECT_EQ(std::vector<uint16_t>(batch.chains.begin(), batch.chains.end()),
            (std::vector<uint16_t>{0, 0, 1, 1, 2, 2, 2, 2}));
  std::vector<uint16_t> drawn;
  for (SampleId sample = 0; sample < 24; ++sample) drawn.push_back(DrawChain(*stream, 2, sample));
  EXPECT_EQ(drawn, (std::vector<uint16_t>{2, 1, 2, 0, 2, 2, 0, 2, 2, 1, 0, 2,
                                          2, 2, 0, 2, 1, 0, 1, 0, 1, 1, 0, 1}));
}

TEST_F(BuildBatchTest, HoldsTheEmbeddingsAndLabelsOfItsSamples) {
  const auto stream = Resolve(Spec());
  for (uint64_t step = 0; step < stream->info.steps; ++step) {
    const Batch batch = Build(*stream, 1, step, *engine_);
    EXPECT_EQ(batch.epoch, 1u);
    EXPECT_EQ(batch.step, step);
    EXPECT_EQ(batch.size(), step + 1 < stream->info.steps ? 64u : 800u % 64u);
    EXPECT_TRUE(std::is_sorted(batch.chains.begin(), batch.chains.end()));
    for (size_t i = 0; i < batch.size(); ++i) {
      const SampleId sample = batch.samples[i];
      ASSERT_EQ(batch.chains[i], DrawChain(*stream, 1, sample));
      ASSERT_EQ(batch.labels[i], static_cast<int32_t>(sample % kTestClasses));
      for (size_t j = 0; j < kTestDim; ++j) {
        const float z = TestValue(sample, j);
        const float expected = batch.chains[i] == 0   ? z
                               : batch.chains[i] == 1 ? 2 * z
                                                      : 2 * (z + 3);
        ASSERT_EQ(batch.embeddings.row(i)[j], expected) << sample << ' ' << batch.chains[i];
      }
    }
  }
}

TEST_F(BuildBatchTest, KeepsSampleOrderWithoutShuffling) {
  StreamSpec spec = Spec("identity");
  spec.shuffle = false;
  spec.split = "test";
  const Batch batch = Build(*Resolve(spec), 9, 1, *engine_);
  for (size_t i = 0; i < batch.size(); ++i) EXPECT_EQ(batch.samples[i], kTestTrain + 64 + i);
}

TEST_F(BuildBatchTest, DiffersFromEpochToEpochAndFromSeedToSeed) {
  StreamSpec other = Spec();
  other.seed = 6;
  const auto first = Epoch(Spec(), 0);
  EXPECT_NE(Epoch(Spec(), 1), first);
  EXPECT_NE(Epoch(other, 0), first);
  EXPECT_NE(Sorted(Epoch(Spec(), 1)), Sorted(first));  // the draws as well
  EXPECT_NE(Sorted(Epoch(other, 0)), Sorted(first));
}

TEST_F(BuildBatchTest, DropsTheLastBatchesWhenAsked) {
  StreamSpec spec = Spec();
  spec.drop_last = true;
  spec.world_size = 5;
  const auto batches = Epoch(spec, 3);
  auto full = Epoch(Spec(), 3);
  full.resize(10);
  EXPECT_EQ(batches, full);
}

TEST_F(BuildBatchTest, GivesTheSameBytesFromOtherEnginesInOtherThreadsAndInAnyOrder) {
  const auto stream = Resolve(Spec());
  std::vector<std::string> expected;
  for (uint64_t step = 0; step < stream->info.steps; ++step) {
    expected.emplace_back(BuildBatch(*stream, 4, step, *filled_.store, *engine_).value().text());
  }
  std::vector<std::vector<std::string>> got(4, std::vector<std::string>(expected.size()));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < got.size(); ++t) {
    threads.emplace_back([&, t] {
      const std::unique_ptr<Engine> mine = NewTileEngine();
      for (uint64_t i = 0; i < expected.size(); ++i) {
        const uint64_t step =
            (i * 5 + t * 3) % expected.size();  // 13 batches: every order visits all
        got[t][step] = BuildBatch(*stream, 4, step, *filled_.store, *mine).value().text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& batches : got) EXPECT_EQ(batches, expected);
}

TEST_F(BuildBatchTest, RefusesAStepPastTheEnd) {
  StreamSpec spec = Spec();
  spec.world_size = 2;
  spec.rank = 1;
  const auto stream = Resolve(spec);
  for (const uint64_t step : {uint64_t{6}, UINT64_MAX}) {
    const Status refused = BuildBatch(*stream, 0, step, *filled_.store, *engine_).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument);
    EXPECT_NE(refused.message().find("rank 1 of 2 has 6 steps"), std::string::npos)
        << refused.message();
  }
}

TEST_F(BuildBatchTest, PassesOnWhatTheStoreSays) {
  Stream broken = *Resolve(Spec("identity"));
  auto table = std::make_shared<SampleTable>(*broken.table);
  table->rows = {};
  for (size_t i = 0; i < table->samples.size(); ++i) table->rows.Add(1 << 20);
  broken.table = table;
  EXPECT_EQ(BuildBatch(broken, 0, 0, *filled_.store, *engine_).status().code(), Code::kNotFound);
}

TEST_F(BuildBatchTest, SendsTheSameRowsInEveryDtypeRounded) {
  const auto plain = Resolve(Spec());
  for (const Dtype dtype : {Dtype::kF16, Dtype::kU8}) {
    StreamSpec spec = Spec();
    spec.dtype = dtype;
    const auto stream = Resolve(spec);
    EXPECT_NE(stream->info.fingerprint, plain->info.fingerprint);
    for (const uint64_t step : {0u, 7u}) {
      const Batch batch = Build(*stream, 4, step, *engine_);
      const Batch exact = Build(*plain, 4, step, *engine_);
      EXPECT_EQ(batch.dtype, dtype);
      EXPECT_TRUE(std::ranges::equal(batch.samples, exact.samples));
      EXPECT_TRUE(std::ranges::equal(batch.chains, exact.chains));
      for (size_t i = 0; i < batch.size(); ++i) {
        std::vector<float> rounded(exact.embeddings.row(i).begin(), exact.embeddings.row(i).end());
        RoundRow(dtype, rounded);
        ASSERT_TRUE(std::ranges::equal(batch.embeddings.row(i), rounded)) << i;
      }
    }
  }
}

TEST_F(BuildBatchTest, SendsStoredBytesAsTheyAre) {
  const SpaceId space = filled_.store->OpenSpace(TestBackbone(), kTestDim, Dtype::kU8).value();
  Matrix embeddings(kTestSamples, kTestDim);
  for (size_t i = 0; i < kTestSamples * kTestDim; ++i) {
    embeddings.data()[i] = std::sin(static_cast<float>(i)) * 3;
  }
  std::vector<ContentHash> images;
  for (uint64_t i = 0; i < kTestSamples; ++i) images.push_back(TestImage(i));
  std::vector<RowId> rows(kTestSamples);
  ASSERT_TRUE(filled_.store->AppendRows(space, images, embeddings.view(), rows, {}).ok());
  StreamSpec spec = Spec("identity:1,double:1");
  spec.dtype = Dtype::kU8;
  Stream stream = *Resolve(spec);
  auto table = std::make_shared<SampleTable>(*stream.table);
  table->space = space;
  table->dtype = Dtype::kU8;
  stream.table = table;
  const Batch batch = Build(stream, 0, 1, *engine_);
  Matrix stored(1, kTestDim);
  for (size_t i = 0; i < batch.size(); ++i) {
    const RowId row = table->rows[batch.samples[i]];  // the split begins with the first sample
    ASSERT_TRUE(filled_.store->ReadRows(space, {&row, 1}, stored.view()).ok());
    if (batch.chains[i] == 1) {
      for (float& value : stored.row(0)) value *= 2;
      RoundRow(Dtype::kU8, stored.row(0));
    }
    ASSERT_TRUE(std::ranges::equal(batch.embeddings.row(i), stored.row(0))) << i;
  }
  EXPECT_NE(std::ranges::find(batch.chains, 0), batch.chains.end());
  EXPECT_NE(std::ranges::find(batch.chains, 1), batch.chains.end());
}

// Rows stand alone in int8 too: the same bytes whatever the batch size and the world size.
TEST_F(BuildBatchTest, GivesTheSameRowsInInt8InAnyCompany) {
  const std::unique_ptr<Engine> int8 = NewEngine(Precision::kInt8);
  ASSERT_TRUE(AddMixingTransform(*filled_.catalog, 0.001).ok());
  StreamSpec spec = Spec("identity,mixing");
  spec.precision = Precision::kInt8;
  const auto rows_of = [&](uint32_t batch_size, uint32_t world_size) {
    std::map<SampleId, std::vector<float>> rows;
    spec.batch_size = batch_size;
    spec.world_size = world_size;
    for (spec.rank = 0; spec.rank < world_size; ++spec.rank) {
      const auto stream = Resolve(spec);
      for (uint64_t step = 0; step < stream->info.steps; ++step) {
        const Batch batch = Build(*stream, 2, step, *int8);
        for (size_t i = 0; i < batch.size(); ++i) {
          const auto row = batch.embeddings.row(i);
          rows[batch.samples[i]] = {row.begin(), row.end()};
        }
      }
    }
    return rows;
  };
  const auto alone = rows_of(64, 1);
  EXPECT_EQ(alone.size(), kTestTrain);
  EXPECT_EQ(rows_of(7, 1), alone);
  EXPECT_EQ(rows_of(100, 3), alone);
}

TEST_F(BuildBatchTest, DrawsChainsAsOftenAsTheirWeightsSay) {
  const auto stream = Resolve(Spec("identity:1,double:3,shift:6"));
  std::map<uint16_t, int> counts;
  for (SampleId sample = 0; sample < 100000; ++sample) ++counts[DrawChain(*stream, 0, sample)];
  EXPECT_NEAR(counts[0], 10000, 400);
  EXPECT_NEAR(counts[1], 30000, 600);
  EXPECT_NEAR(counts[2], 60000, 700);
}

TEST_F(BuildBatchTest, DrawsNoChainOfVanishingWeightAndAlwaysTheOnlyOne) {
  const auto vanishing = Resolve(Spec("double:1e-300,identity:1"));
  const auto only = Resolve(Spec("double"));
  for (SampleId sample = 0; sample < 1000; ++sample) {
    EXPECT_EQ(DrawChain(*vanishing, 0, sample), 1);
    EXPECT_EQ(DrawChain(*only, 0, sample), 0);
  }
}

// A conditional transform with an error bank, registered as geo@1.
void AddConditional(Catalog& catalog) {
  TransformWeights weights;
  weights.layers = RandomLayers({{kTestDim, kTestDim, Activation::kRelu, true}}, 1);
  for (unsigned p = 0; p < 4; ++p) {
    weights.basis.push_back(
        RandomLayers({{kTestDim, kTestDim, Activation::kNone, false}}, 2 + p).layers[0]);
  }
  weights.ops = "hflip,rotate(-15..15)";
  weights.slots = 2;
  weights.error_bank = RandomMatrix(9, kTestDim, 7);
  TransformRecord record = TestTransform(weights.layers);
  record.weights = {};
  ASSERT_TRUE(catalog.AddTransform("geo", record, weights.ToSafetensors()).ok());
}

TEST_F(BuildBatchTest, DrawsMagnitudesAndResidualsBySampleAndEpochAlone) {
  AddConditional(*filled_.catalog);
  const std::string policy = "identity,geo[hflip>rotate(-15..15)]~:2,geo[rotate(-5..5)]>double~";
  EXPECT_EQ(Refusal(Spec(policy)).code(), Code::kFailedPrecondition);  // double has no error bank
  const std::string drawn = "identity,geo[hflip>rotate(-15..15)]~:2,geo[rotate(-5..5)]>double";
  // Embeddings by sample, whatever the batches.
  const auto read = [&](uint32_t batch_size, uint32_t world_size, uint64_t epoch) {
    std::map<SampleId, std::vector<float>> rows;
    StreamSpec spec = Spec(drawn);
    spec.batch_size = batch_size;
    spec.world_size = world_size;
    for (spec.rank = 0; spec.rank < world_size; ++spec.rank) {
      const auto stream = Resolve(spec);
      for (uint64_t step = 0; step < stream->info.steps; ++step) {
        const Batch batch = Build(*stream, epoch, step, *engine_);
        for (size_t i = 0; i < batch.size(); ++i) {
          const auto row = batch.embeddings.row(i);
          rows[batch.samples[i]].assign(row.begin(), row.end());
        }
      }
    }
    return rows;
  };
  const auto expected = read(64, 1, 2);
  ASSERT_EQ(expected.size(), kTestTrain);
  EXPECT_EQ(read(17, 1, 2), expected);
  EXPECT_EQ(read(64, 3, 2), expected);
  EXPECT_NE(read(64, 1, 3), expected);
}

TEST_F(BuildBatchTest, TellsTransformsWithOtherOpsOrResidualsApart) {
  AddConditional(*filled_.catalog);
  std::set<Digest> fingerprints;
  for (const char* policy : {"geo[hflip]", "geo[hflip]~", "geo[rotate(5)]", "geo[rotate(-5..5)]"}) {
    fingerprints.insert(Resolve(Spec(policy))->info.fingerprint);
  }
  EXPECT_EQ(fingerprints.size(), 4u);
  const auto stream = Resolve(Spec("geo[ rotate( 5.0 ) ],geo@1[rotate(5)]:2"));
  EXPECT_EQ(stream->info.spec.policy, "geo@1[rotate(5)]:3");
}

TEST_F(BuildBatchTest, GivesASpatialTransformTheFeatureMapsOfItsRows) {
  ASSERT_TRUE(AddSpatialTransform(*filled_.catalog).ok());
  const auto stream = Resolve(Spec("identity:1,upside:1,upside>double:1"));
  const auto expect = [&](const Batch& batch) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const uint64_t sample = batch.samples[i];
      for (size_t c = 0; c < kTestDim; ++c) {
        float value = TestValue(sample, c);
        if (batch.chains[i] > 0) value += TestFeatureMapValue(sample, 0);
        if (batch.chains[i] > 1) value *= 2;
        ASSERT_EQ(batch.embeddings.row(i)[c], value) << sample;
      }
    }
  };
  for (uint64_t step = 0; step < stream->info.steps; ++step) {
    expect(Build(*stream, 0, step, *engine_));
  }
}

TEST_F(BuildBatchTest, RefusesASpatialTransformBehindAnotherOne) {
  ASSERT_TRUE(AddSpatialTransform(*filled_.catalog).ok());
  const Status refused = Refusal(Spec("double>upside:1"));
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("put it first"), std::string::npos) << refused.message();
}

}  // namespace
}  // namespace augstore
