#include "engine/streams/stream.h"

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "tests/engine/streams/stream_support.h"

namespace augstore {
namespace {

using LoadSampleTableTest = StreamTest;

TEST_F(LoadSampleTableTest, HoldsTheSamplesOfASplitInOrder) {
  const CollectionRecord toy = filled_.catalog->Get<CollectionRecord>("toy").value().record;
  const auto test = LoadSampleTable(*filled_.catalog, memory_, toy, "test", "label").value();
  ASSERT_EQ(test->samples.size(), kTestSamples - kTestTrain);
  EXPECT_EQ(test->dim, kTestDim);
  EXPECT_EQ(test->classes, TestLabels()[0].classes);
  Matrix embeddings(test->rows.size(), kTestDim);
  std::vector<RowId> rows;
  for (size_t i = 0; i < test->rows.size(); ++i) rows.push_back(test->rows[i]);
  ASSERT_TRUE(filled_.store->ReadRows(test->space, rows, embeddings.view()).ok());
  for (size_t i = 0; i < test->samples.size(); ++i) {
    ASSERT_EQ(test->samples[i], kTestTrain + i);
    ASSERT_EQ(test->labels[i], static_cast<int32_t>((kTestTrain + i) % kTestClasses));
    ASSERT_EQ(embeddings.row(i)[3], TestValue(kTestTrain + i, 3));
  }
  EXPECT_EQ(LoadSampleTable(*filled_.catalog, memory_, toy, "", "").value()->samples.size(),
            kTestSamples);
}

TEST_F(LoadSampleTableTest, NamesWhatThereIsWhenASplitOrALabelColumnIsNot) {
  const CollectionRecord toy = filled_.catalog->Get<CollectionRecord>("toy").value().record;
  const Status split = LoadSampleTable(*filled_.catalog, memory_, toy, "valid", "").status();
  EXPECT_EQ(split.code(), Code::kNotFound);
  EXPECT_NE(split.message().find("'valid' in this collection: it has 'train', 'test'"),
            std::string::npos)
      << split.message();
  const Status column = LoadSampleTable(*filled_.catalog, memory_, toy, "", "colour").status();
  EXPECT_EQ(column.code(), Code::kNotFound);
  EXPECT_NE(column.message().find("'colour' in this collection: it has 'label'"), std::string::npos)
      << column.message();
}

TEST_F(LoadSampleTableTest, LabelsAreUnknownWithoutALabelColumn) {
  const auto draft = filled_.catalog->BeginDraft({"bare", TestBackbone(), {}, false, "test"});
  ASSERT_TRUE(draft.ok()) << draft.status().ToString();
  SampleChunk chunk;
  chunk.images = {TestImage(0)};
  chunk.split_names = {"train"};
  chunk.splits = {0};
  chunk.keys = {"a"};
  ASSERT_TRUE(filled_.catalog->AppendSamples(draft.value().draft, chunk).ok());
  const auto bare = filled_.catalog->CommitDraft(draft.value().draft, 1);
  ASSERT_TRUE(bare.ok()) << bare.status().ToString();
  const auto& made = std::get<Versioned<CollectionRecord>>(*bare);
  const auto table = LoadSampleTable(*filled_.catalog, memory_, made.record, "train", "").value();
  EXPECT_EQ(table->labels, std::vector<int32_t>{-1});
  EXPECT_TRUE(table->classes.empty());
}

TEST_F(LoadSampleTableTest, CountsItsBytesForAsLongAsItIsHeld) {
  const CollectionRecord toy = filled_.catalog->Get<CollectionRecord>("toy").value().record;
  MemoryBudget little(kTestSamples * 20 - 1, "tests");
  EXPECT_EQ(LoadSampleTable(*filled_.catalog, little, toy, "", "").status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(little.taken(), 0u);
  auto table = LoadSampleTable(*filled_.catalog, memory_, toy, "", "").value();
  EXPECT_EQ(memory_.taken(), kTestSamples * sizeof(int32_t)) << "ids without gaps take none";
  table.reset();
  EXPECT_EQ(memory_.taken(), 0u);
}

using ModelCacheTest = StreamTest;

TEST_F(ModelCacheTest, GivesOneModelPerVersionAcrossThreads) {
  std::vector<TransformModelPtr> got(8);
  std::vector<std::thread> threads;
  for (TransformModelPtr& model : got) {
    threads.emplace_back([&] {
      model = models_.Get({RecordKind::kTransform, "shift", 2}).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<TransformModelPtr>(got.begin(), got.end()).size(), 1u);
  EXPECT_EQ(got[0]->network->layers, ScalingLayers(1, 3));
  EXPECT_NE(models_.Get({RecordKind::kTransform, "shift", 1}).value(), got[0]);
}

TEST_F(ModelCacheTest, SaysWhenThereIsNoSuchTransform) {
  EXPECT_EQ(models_.Get({RecordKind::kTransform, "shift", 9}).status().code(), Code::kNotFound);
}

TEST_F(ModelCacheTest, KeepsWhatIsHeldAndForgetsWhatWasUsedLongAgo) {
  const TransformModelPtr held = models_.Get({RecordKind::kTransform, "double", 1}).value();
  std::weak_ptr<const TransformModel> old =
      models_.Get({RecordKind::kTransform, "shift", 1}).value();
  for (int i = 0; i < 70; ++i) {
    const Layers layers = ScalingLayers(1, static_cast<float>(i));
    const auto key = filled_.catalog->AddTransform("t" + std::to_string(i), TestTransform(layers),
                                                   layers.ToSafetensors());
    ASSERT_TRUE(key.ok()) << key.status().ToString();
    ASSERT_TRUE(models_.Get(key.value()).ok());
  }
  EXPECT_TRUE(old.expired());
  EXPECT_EQ(models_.Get({RecordKind::kTransform, "double", 1}).value(), held);
}

using ResolveChainTest = StreamTest;

TEST_F(ResolveChainTest, PinsVersionsAndAliases) {
  ASSERT_TRUE(filled_.catalog->SetAlias(RecordKind::kTransform, "shift", "champion", 1, "").ok());
  const auto chain = ResolveChain(*filled_.catalog, models_, TestBackbone(),
                                  ParseChain("shift@2>double>shift").value());
  ASSERT_TRUE(chain.ok()) << chain.status().ToString();
  EXPECT_EQ(chain.value().text, "shift@2>double@1>shift@1");
  ASSERT_EQ(chain.value().steps.size(), 3u);
  EXPECT_EQ(chain.value().steps[0].model->network->layers, ScalingLayers(1, 3));
  EXPECT_EQ(chain.value().steps[2].model->network->layers, ScalingLayers(1, 1));
  EXPECT_EQ(chain.value().weights[1], TestTransform(ScalingLayers(2, 0)).weights);
  const auto identity = ResolveChain(*filled_.catalog, models_, TestBackbone(), ChainRef{});
  EXPECT_EQ(identity.value().text, "identity");
  EXPECT_TRUE(identity.value().steps.empty());
}

TEST_F(ResolveChainTest, RefusesATransformOfAnotherBackboneAndNamesBoth) {
  BackboneRecord other = TestBackboneRecord();
  other.digest.bytes.fill(0xcc);
  ASSERT_TRUE(filled_.catalog->AddBackbone("psi", other).ok());
  ASSERT_TRUE(filled_.store->OpenSpace(other.digest, kTestDim).ok());
  const Layers layers = ScalingLayers(3, 0);
  TransformRecord record = TestTransform(layers);
  record.backbone = other.digest;
  ASSERT_TRUE(filled_.catalog->AddTransform("foreign", record, layers.ToSafetensors()).ok());
  const Status refused =
      ResolveChain(*filled_.catalog, models_, TestBackbone(), ParseChain("foreign").value())
          .status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("foreign@1 was trained for backbone psi@1"), std::string::npos)
      << refused.message();
  EXPECT_NE(refused.message().find("of backbone phi@1"), std::string::npos) << refused.message();
  EXPECT_EQ(Refusal(Spec("identity,foreign")).code(), Code::kFailedPrecondition);
}

TEST_F(ResolveChainTest, RefusesUnknownTransformsAndEndlessChains) {
  const auto unknown =
      ResolveChain(*filled_.catalog, models_, TestBackbone(), ParseChain("nosuch").value());
  EXPECT_EQ(unknown.status().code(), Code::kNotFound);
  ChainRef endless;
  endless.steps.assign(17, ChainStep{{"double", 0, ""}, "", false});
  const auto refused = ResolveChain(*filled_.catalog, models_, TestBackbone(), endless);
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
}

TEST_F(ResolveChainTest, RefusesInt8ToATransformWhoseCardDoesNotAllowIt) {
  StreamSpec spec = Spec("identity,double");
  spec.precision = Precision::kInt8;
  const Status unknown = Refusal(spec);
  EXPECT_EQ(unknown.code(), Code::kFailedPrecondition);
  EXPECT_NE(unknown.message().find("card of transform double@1"), std::string::npos)
      << unknown.message();
  ASSERT_TRUE(AddMixingTransform(*filled_.catalog, 0.001).ok());
  ASSERT_TRUE(AddMixingTransform(*filled_.catalog, 0.1).ok());
  spec.policy = "identity,mixing@2";
  EXPECT_NE(Refusal(spec).message().find("0.1000 of G"), std::string::npos);
  spec.policy = "identity,mixing@1";
  const auto stream = Resolve(spec);
  ASSERT_NE(stream, nullptr);
  spec.precision = Precision::kF32;
  EXPECT_NE(Resolve(spec)->info.fingerprint, stream->info.fingerprint);
}

using ResolveStreamTest = StreamTest;

TEST_F(ResolveStreamTest, PinsEverythingAndTellsTheClient) {
  const auto stream = Resolve(Spec());
  const StreamReply& info = stream->info;
  EXPECT_EQ(info.spec.collection, "toy@1");
  EXPECT_EQ(info.spec.label_column, "label");
  EXPECT_EQ(info.spec.policy, "identity:2,double@1,shift@2>double@1");
  EXPECT_EQ(info.chains, (std::vector<std::string>{"identity", "double@1", "shift@2>double@1"}));
  EXPECT_EQ(info.transforms, (std::vector<Digest>{TestTransform(ScalingLayers(2, 0)).weights,
                                                  TestTransform(ScalingLayers(1, 3)).weights}));
  EXPECT_EQ(info.classes, TestLabels()[0].classes);
  EXPECT_EQ(info.samples, kTestTrain);
  EXPECT_EQ(info.steps, 13u);
  EXPECT_EQ(info.dim, kTestDim);
  EXPECT_EQ(info.collection_digest,
            filled_.catalog->Get<CollectionRecord>("toy").value().record.digest);
  EXPECT_EQ(stream->chains[0].threshold, uint64_t{1} << 63);
  EXPECT_EQ(stream->chains[1].threshold, uint64_t{3} << 62);
  EXPECT_EQ(stream->chains[2].threshold, UINT64_MAX);
}

TEST_F(ResolveStreamTest, ResolvingThePinnedSpecGivesTheSameStream) {
  const auto stream = Resolve(Spec("identity:0.1,double:0.7,identity:0.2,shift:1e-3"));
  EXPECT_EQ(stream->info.chains, (std::vector<std::string>{"identity", "double@1", "shift@2"}));
  const auto again = Resolve(stream->info.spec);
  EXPECT_EQ(again->info.spec, stream->info.spec);
  EXPECT_EQ(again->info.fingerprint, stream->info.fingerprint);
  EXPECT_EQ(DescribeDifference(again->info, stream->info), "");
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(again->chains[i].threshold, stream->chains[i].threshold);
}

TEST_F(ResolveStreamTest, EqualSpecsHaveEqualFingerprintsAndRankDoesNotCount) {
  StreamSpec spec = Spec();
  spec.world_size = 2;
  const Digest fingerprint = Resolve(spec)->info.fingerprint;
  EXPECT_EQ(Resolve(spec)->info.fingerprint, fingerprint);
  spec.rank = 1;
  EXPECT_EQ(Resolve(spec)->info.fingerprint, fingerprint);
  spec.label_column = "label";
  spec.collection = "toy@1";
  EXPECT_EQ(Resolve(spec)->info.fingerprint, fingerprint);
}

TEST_F(ResolveStreamTest, EveryOtherFieldChangesTheFingerprint) {
  const std::vector<std::function<void(StreamSpec&)>> changes = {
      [](StreamSpec& spec) { spec.split = "test"; },
      [](StreamSpec& spec) { spec.split = ""; },
      [](StreamSpec& spec) { spec.policy = "identity"; },
      [](StreamSpec& spec) { spec.policy = "identity:3,double:1,shift>double@1:1"; },
      [](StreamSpec& spec) { spec.policy = "double:1,identity:2,shift>double@1:1"; },
      [](StreamSpec& spec) { spec.policy = "identity:2,double:1,shift@1>double@1:1"; },
      [](StreamSpec& spec) { spec.seed = 6; },
      [](StreamSpec& spec) { spec.batch_size = 65; },
      [](StreamSpec& spec) { spec.world_size = 3; },
      [](StreamSpec& spec) { spec.shuffle = false; },
      [](StreamSpec& spec) { spec.drop_last = true; },
      [](StreamSpec& spec) { spec.shuffle_window = 256; },
  };
  std::set<Digest> fingerprints = {Resolve(Spec())->info.fingerprint};
  for (const auto& change : changes) {
    StreamSpec spec = Spec();
    change(spec);
    fingerprints.insert(Resolve(spec)->info.fingerprint);
  }
  // The same names over other content: another digest of the collection.
  const FilledStore other(1);
  ModelCache models(other.catalog.get(), &memory_);
  fingerprints.insert(ResolveStream(*other.catalog, models, Spec()).value()->info.fingerprint);
  EXPECT_EQ(fingerprints.size(), changes.size() + 2);
}

TEST_F(ResolveStreamTest, WindowsOfTheSameOrderAreOneStream) {
  const auto with = [this](uint64_t window, bool shuffle) {
    StreamSpec spec = Spec();
    spec.shuffle_window = window;
    spec.shuffle = shuffle;
    return Resolve(spec)->info;
  };
  EXPECT_EQ(with(1, true).fingerprint, with(256, true).fingerprint);
  EXPECT_EQ(with(1, true).spec.shuffle_window, 256u);
  EXPECT_EQ(with(kTestTrain, true).fingerprint, with(0, true).fingerprint);
  EXPECT_EQ(with(256, false).fingerprint, with(0, false).fingerprint);
}

TEST_F(ResolveStreamTest, CountsTheStepsOfEachRank) {
  struct Case {
    uint32_t batch_size, world_size;
    bool drop_last;
    std::vector<uint64_t> steps;
  };
  // 800 samples.
  const std::vector<Case> cases = {{64, 1, false, {13}},
                                   {64, 1, true, {12}},
                                   {64, 2, false, {7, 6}},
                                   {64, 5, false, {3, 3, 3, 2, 2}},
                                   {64, 5, true, {2, 2, 2, 2, 2}},
                                   {800, 2, false, {1, 0}},
                                   {800, 1, true, {1}},
                                   {1000, 1, false, {1}}};
  for (const Case& c : cases) {
    for (uint32_t rank = 0; rank < c.world_size; ++rank) {
      StreamSpec spec = Spec("identity");
      spec.batch_size = c.batch_size;
      spec.world_size = c.world_size;
      spec.drop_last = c.drop_last;
      spec.rank = rank;
      EXPECT_EQ(Resolve(spec)->info.steps, c.steps[rank])
          << c.batch_size << ' ' << c.world_size << ' ' << rank;
    }
  }
}

TEST_F(ResolveStreamTest, RefusesWhatCannotBeStreamed) {
  const std::vector<std::pair<std::function<void(StreamSpec&)>, std::string>> cases = {
      {[](StreamSpec& spec) { spec.batch_size = 0; }, "batch_size 0"},
      {[](StreamSpec& spec) { spec.batch_size = kMaxBatchRows + 1; }, "batch_size 65537"},
      {[](StreamSpec& spec) { spec.world_size = 0; }, "world_size 0"},
      {[](StreamSpec& spec) { spec.world_size = kMaxWorldSize + 1; }, "world_size 65537"},
      {[](StreamSpec& spec) { spec.rank = 1; }, "rank 1 is not below world_size 1"},
      {[](StreamSpec& spec) { spec.policy = "identity:0"; }, "weight"},
      {[](StreamSpec& spec) { spec.policy = "identity:1e308,double:1e308"; }, "infinity"},
      {[](StreamSpec& spec) { spec.policy = ""; }, ""},
      {[](StreamSpec& spec) {
         spec.drop_last = true;
         spec.batch_size = 500;
         spec.world_size = 2;
       },
       "drop_last leaves no batch"},
  };
  for (const auto& [change, text] : cases) {
    StreamSpec spec = Spec();
    change(spec);
    const Status refused = Refusal(spec);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << refused.ToString();
    EXPECT_NE(refused.message().find(text), std::string::npos) << refused.message();
  }
}

TEST_F(ResolveStreamTest, SaysWhatDoesNotExist) {
  for (const auto& change : std::vector<std::function<void(StreamSpec&)>>{
           [](StreamSpec& spec) { spec.collection = "toys"; },
           [](StreamSpec& spec) { spec.collection = "toy@2"; },
           [](StreamSpec& spec) { spec.split = "valid"; },
           [](StreamSpec& spec) { spec.label_column = "colour"; },
           [](StreamSpec& spec) { spec.policy = "identity,nosuch"; }}) {
    StreamSpec spec = Spec();
    change(spec);
    EXPECT_EQ(Refusal(spec).code(), Code::kNotFound) << Refusal(spec).ToString();
  }
  StreamSpec spec = Spec();
  spec.split = "valid";
  EXPECT_NE(Refusal(spec).message().find("toy@1"), std::string::npos) << Refusal(spec).message();
}

TEST_F(ResolveStreamTest, RefusesMoreChainsThanThereMayBe) {
  std::string policy = "identity";
  for (uint32_t i = 0; i < kMaxChains; ++i) policy += ",double";
  EXPECT_EQ(Refusal(Spec(policy)).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
