#include "tools/compare/trials.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tools/collection/test_set.h"
#include "tools/synth/synthetic_images.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

class TrialsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteSyntheticImages(dir_.path() + "/images", {.per_class = 1}).ok());
    auto database = Database::Open({.store = dir_.path() + "/db", .connect = {}}, true);
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    database_ = std::move(*database);
    BackboneFlags flags;
    flags.file = SourcePath("tools/demo_assets/backbone.pt");
    auto backbone = LazyBackbone::Open(flags, database_->client());
    ASSERT_TRUE(backbone.ok()) << backbone.status().ToString();
    backbone_ = std::move(*backbone);
    const auto source = ListImages(dir_.path() + "/images");
    ASSERT_TRUE(source.ok());
    classes_ = source->classes;
    const auto embedded =
        EmbedItems(*database_, *backbone_, source->items, std::nullopt, "", false);
    ASSERT_TRUE(embedded.ok()) << embedded.status().ToString();
    for (size_t i = 0; i < source->items.size(); ++i) {
      samples_.push_back(
          {source->items[i].key, embedded->rows[i], source->items[i].label, "train"});
    }
  }

  std::unique_ptr<Trials> Open(const std::string& folder) {
    auto trials = Trials::Open(folder, *backbone_);
    EXPECT_TRUE(trials.ok()) << trials.status().ToString();
    return std::move(*trials);
  }
  Result<std::string> Copy(Trials& trials) {
    return CopyCollection(database_->client(), trials, backbone_->record(), "train", classes_,
                          samples_, false);
  }

  TempDir dir_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LazyBackbone> backbone_;
  std::vector<std::string> classes_;
  std::vector<SampleToWrite> samples_;
};

TEST_F(TrialsTest, ACollectionOfTheTrialsStreamsTheRowsOfTheUsersStore) {
  const std::unique_ptr<Trials> trials = Open("");
  const auto ref = Copy(*trials);
  ASSERT_TRUE(ref.ok()) << ref.status().ToString();
  const auto copied = LoadTestSet(trials->client(), *ref, "train", "label");
  ASSERT_TRUE(copied.ok()) << copied.status().ToString();
  std::vector<RowId> rows;
  for (const SampleToWrite& sample : samples_) rows.push_back(sample.row);
  const auto original = FetchRows(database_->client(), backbone_->record(), rows);
  ASSERT_TRUE(original.ok());
  ASSERT_EQ(copied->embeddings.rows(), original->rows());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(copied->embeddings.row(i), original->row(i))) << i;
    EXPECT_EQ(copied->labels[i], samples_[i].label) << i;
  }
  EXPECT_EQ(database_->client().List<CollectionRecord>()->size(), 0u);
}

TEST_F(TrialsTest, AFolderKeepsThemForALaterRun) {
  const std::string folder = dir_.path() + "/work/trials";
  const auto first = Copy(*Open(folder));
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const std::unique_ptr<Trials> again = Open(folder);
  const auto second = Copy(*again);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(*first, *second) << "the same rows make the same version";
}

TEST_F(TrialsTest, ATransformIsCopiedOnce) {
  TransformWeights weights;
  const auto dim = backbone_->record().dim;
  weights.layers.layers.push_back({{dim, dim, Activation::kNone, false}, {}, {}});
  weights.layers.layers[0].weight.resize(size_t{dim} * dim);
  weights.layers.layers[0].bias.resize(dim);
  ASSERT_TRUE(RegisterTransform(database_->client(), "zero", backbone_->record(), "vflip", "custom",
                                weights, Card{})
                  .ok());
  const std::unique_ptr<Trials> trials = Open("");
  for (int i = 0; i < 2; ++i) {
    const auto ref = CopyTransform(database_->client(), *trials, "zero");
    ASSERT_TRUE(ref.ok()) << ref.status().ToString();
    EXPECT_EQ(*ref, "zero@1");
  }
  EXPECT_EQ(CopyTransform(database_->client(), *trials, "none").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
