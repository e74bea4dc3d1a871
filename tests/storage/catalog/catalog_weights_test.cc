#include <cmath>
#include <limits>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

using CatalogWeightsTest = CatalogFixture;

BackboneRecord Backbone(uint8_t seed, uint32_t dim) {
  BackboneRecord record;
  record.digest = TestDigest(seed);
  record.dim = dim;
  return record;
}

TEST_F(CatalogWeightsTest, AddsABackboneOnce) {
  const RecordKey key = catalog_->AddBackbone("resnet", Backbone(9, 16)).value();
  EXPECT_EQ(key.version, 1u);
  EXPECT_EQ(catalog_->AddBackbone("resnet", Backbone(9, 16))->version, 1u);
  EXPECT_EQ(catalog_->AddBackbone("resnet", Backbone(8, 32))->version, 2u);
  EXPECT_EQ(catalog_->Get<BackboneRecord>("resnet@1")->record.digest, TestDigest(9));
  EXPECT_GT(catalog_->Get<BackboneRecord>("resnet@1")->record.created_unix_s, 0);
  EXPECT_EQ(catalog_->FindBackbone(TestDigest(8))->ref(), "resnet@2");
  EXPECT_EQ(catalog_->FindBackbone(TestDigest(7)).status().code(), Code::kNotFound);
}

TEST_F(CatalogWeightsTest, RefusesBackbonesThatCannotBe) {
  const auto code = [&](const std::string& name, const BackboneRecord& record) {
    return catalog_->AddBackbone(name, record).status().code();
  };
  EXPECT_EQ(code("b/c", Backbone(9, 16)), Code::kInvalidArgument);
  EXPECT_EQ(code("b", Backbone(9, 0)), Code::kInvalidArgument);
  EXPECT_EQ(code("b", Backbone(9, kMaxDim + 1)), Code::kInvalidArgument);
  BackboneRecord record = Backbone(9, 16);
  record.mean = {0.5f};
  EXPECT_EQ(code("b", record), Code::kInvalidArgument);
  record.stddev = {0.0f};
  EXPECT_EQ(code("b", record), Code::kInvalidArgument);
  record.stddev = {std::nanf("")};
  EXPECT_EQ(code("b", record), Code::kInvalidArgument);
  record = Backbone(9, 16);
  record.way.images_per_second = std::nan("");
  EXPECT_EQ(code("b", record), Code::kInvalidArgument);
  // Its embeddings are stored with another dim.
  EXPECT_EQ(code("b", Backbone(1, kTestDim + 1)), Code::kFailedPrecondition);
  ASSERT_EQ(code("b", Backbone(9, 16)), Code::kOk);
  EXPECT_EQ(code("c", Backbone(9, 17)), Code::kFailedPrecondition);
}

TEST_F(CatalogWeightsTest, FillsInWhatTheWeightsSay) {
  const Layers layers = Affine(kTestDim, kTestDim);
  const std::string bytes = layers.ToSafetensors();
  const RecordKey key = catalog_->AddTransform("hflip", Transform(), bytes).value();
  EXPECT_EQ(key, (RecordKey{RecordKind::kTransform, "hflip", 1}));
  const TransformRecord record = catalog_->Get<TransformRecord>("hflip")->record;
  EXPECT_EQ(record.layers, layers.shapes());
  EXPECT_EQ(record.weights, Sha256({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
  EXPECT_EQ(record.card.multiply_adds, layers.MultiplyAdds());
  EXPECT_GT(record.created_unix_s, 0);
  EXPECT_EQ(catalog_->GetWeights(key)->layers, layers);
  // A record that says the same is accepted again, as the next version.
  EXPECT_EQ(catalog_->AddTransform("hflip", record, bytes)->version, 2u);

  const RecordKey head =
      catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors()).value();
  EXPECT_EQ(catalog_->GetLayers(head)->dim_out(), 3u);
}

TEST_F(CatalogWeightsTest, RefusesWeightsThatDoNotFitTheirRecord) {
  const std::string bytes = Affine(kTestDim, kTestDim).ToSafetensors();
  const auto code = [&](const TransformRecord& record, const std::string& weights) {
    return catalog_->AddTransform("t", record, weights).status().code();
  };
  EXPECT_EQ(code(Transform(), "hostile"), Code::kInvalidArgument);
  EXPECT_EQ(code(Transform(), bytes.substr(0, bytes.size() - 1)), Code::kInvalidArgument);
  EXPECT_EQ(code(Transform(), Affine(kTestDim, 3).ToSafetensors()), Code::kInvalidArgument);
  EXPECT_EQ(code(Transform(), Affine(3, kTestDim).ToSafetensors()), Code::kInvalidArgument);
  TransformRecord record = Transform();
  record.weights = TestDigest(5);
  EXPECT_EQ(code(record, bytes), Code::kInvalidArgument);
  record = Transform();
  record.layers = {{kTestDim, kTestDim, Activation::kRelu, false}};
  EXPECT_EQ(code(record, bytes), Code::kInvalidArgument);
  record = Transform();
  record.card.entries.resize(1);
  record.card.entries[0].r2 = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(code(record, bytes), Code::kInvalidArgument);
  EXPECT_EQ(catalog_->AddTransform("t@1", Transform(), bytes).status().code(),
            Code::kInvalidArgument);
  EXPECT_TRUE(store_->ListRecords(RecordKind::kTransform, "")->empty());
}

TEST_F(CatalogWeightsTest, RefusesHeadsThatDoNotFit) {
  EXPECT_EQ(catalog_->AddHead("h", Head(), Affine(kTestDim, 2).ToSafetensors()).status().code(),
            Code::kInvalidArgument);
  HeadRecord record = Head();
  record.test_loss = std::numeric_limits<double>::infinity();
  EXPECT_EQ(catalog_->AddHead("h", record, Affine(kTestDim, 3).ToSafetensors()).status().code(),
            Code::kInvalidArgument);
}

TEST_F(CatalogWeightsTest, RefusesADimThatIsNotItsBackbones) {
  TransformRecord record = Transform();
  record.dim = 5;
  const std::string bytes = Affine(5, 5).ToSafetensors();
  Status refused = catalog_->AddTransform("t", record, bytes).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, "dim 5")) << refused.message();
  EXPECT_TRUE(Mentions(refused, "is 4")) << refused.message();
  ASSERT_TRUE(catalog_->AddBackbone("resnet", Backbone(9, 16)).ok());
  record.backbone = TestDigest(9);
  refused = catalog_->AddTransform("t", record, bytes).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, "resnet@1")) << refused.message();
  record.backbone = TestDigest(10);  // of a backbone that this store has not met
  EXPECT_TRUE(catalog_->AddTransform("t", record, bytes).ok());
}

TEST_F(CatalogWeightsTest, KeepsTheOutputsOfTransformsAsLongAsTheEmbeddings) {
  BackboneRecord backbone = Backbone(9, 5);
  backbone.normalised = true;
  ASSERT_TRUE(catalog_->AddBackbone("clip", backbone).ok());
  TransformRecord record;
  record.backbone = TestDigest(9);
  record.dim = 5;
  TransformWeights weights;
  weights.layers = Affine(5, 5);
  const Status refused = catalog_->AddTransform("t", record, weights.ToSafetensors()).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition) << refused.ToString();
  EXPECT_TRUE(Mentions(refused, "clip@1")) << refused.message();
  weights.normalised = true;
  EXPECT_TRUE(catalog_->AddTransform("t", record, weights.ToSafetensors()).ok());
  EXPECT_TRUE(catalog_->GetWeights({RecordKind::kTransform, "t", 1})->normalised);
}

TEST_F(CatalogWeightsTest, ReportsDamagedWeights) {
  const std::string bytes = Affine(kTestDim, kTestDim).ToSafetensors();
  ASSERT_TRUE(catalog_->AddTransform("t", Transform(), bytes).ok());
  const std::string record = store_->ReadRecord({RecordKind::kTransform, "t", 1}).value();
  std::string damaged = bytes;
  damaged.back() ^= 1;
  ASSERT_TRUE(store_->AddRecord(RecordKind::kTransform, "t", record, damaged).ok());
  EXPECT_EQ(catalog_->GetWeights({RecordKind::kTransform, "t", 2}).status().code(),
            Code::kDataLoss);
  EXPECT_EQ(catalog_->GetWeights({RecordKind::kTransform, "t", 3}).status().code(),
            Code::kNotFound);
  EXPECT_EQ(catalog_->GetLayers({RecordKind::kBackbone, "t", 1}).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
