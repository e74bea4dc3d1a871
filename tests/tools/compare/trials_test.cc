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
    trials_ = Open("");
    const auto source = ListImages(dir_.path() + "/images");
    ASSERT_TRUE(source.ok());
    classes_ = source->classes;
    const auto embedded =
        EmbedItems(*trials_.source, *trials_.backbone, source->items, std::nullopt, "", false);
    ASSERT_TRUE(embedded.ok()) << embedded.status().ToString();
    for (size_t i = 0; i < source->items.size(); ++i) {
      samples_.push_back(
          {source->items[i].key, embedded->images[i], source->items[i].label, "train"});
    }
    rows_ = embedded->rows;
  }

  // The same store of the user's, with the trials in `folder`.
  Trials Open(const std::string& folder) {
    trials_ = {};  // a store is open once
    const CommonFlags common{.store = dir_.path() + "/db", .connect = {}};
    BackboneFlags flags;
    flags.file = SourcePath("tools/demo_assets/backbone.pt");
    auto trials = OpenTrials(common, flags, folder, true);
    EXPECT_TRUE(trials.ok()) << trials.status().ToString();
    return std::move(*trials);
  }
  Result<std::string> Copy(Trials& trials) {
    return CopyCollection(trials, "train", classes_, samples_, rows_, false);
  }

  TempDir dir_;
  Trials trials_;  // in memory
  std::vector<std::string> classes_;
  std::vector<SampleToWrite> samples_;
  std::vector<RowId> rows_;
};

TEST_F(TrialsTest, ACollectionOfTheTrialsStreamsTheRowsOfTheUsersStore) {
  const auto ref = Copy(trials_);
  ASSERT_TRUE(ref.ok()) << ref.status().ToString();
  const auto copied = LoadTestSet(trials_.client(), *ref, "train", "label");
  ASSERT_TRUE(copied.ok()) << copied.status().ToString();
  const auto original = FetchRows(trials_.source->client(), trials_.space(), rows_);
  ASSERT_TRUE(original.ok());
  ASSERT_EQ(copied->embeddings.rows(), original->rows());
  for (size_t i = 0; i < rows_.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(copied->embeddings.row(i), original->row(i))) << i;
    EXPECT_EQ(copied->labels[i], samples_[i].label) << i;
  }
  Client& users = trials_.source->client();
  EXPECT_EQ(users.List<CollectionRecord>()->size(), 0u);
}

TEST_F(TrialsTest, AFolderKeepsThemForALaterRun) {
  const std::string folder = dir_.path() + "/work/trials";
  trials_ = Open(folder);
  const auto first = Copy(trials_);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  trials_ = Open(folder);
  const auto second = Copy(trials_);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(*first, *second) << "the same rows make the same version";
}

TEST_F(TrialsTest, ATransformIsCopiedOnce) {
  TransformWeights weights;
  const auto dim = trials_.space().dim;
  weights.layers.layers.push_back({{dim, dim, Activation::kNone, false}, {}, {}});
  weights.layers.layers[0].weight.resize(size_t{dim} * dim);
  weights.layers.layers[0].bias.resize(dim);
  ASSERT_TRUE(RegisterTransform(trials_.source->client(), "zero", trials_.space(), "vflip",
                                "custom", weights, Card{})
                  .ok());
  for (int i = 0; i < 2; ++i) {
    const auto ref = CopyTransform(trials_, "zero");
    ASSERT_TRUE(ref.ok()) << ref.status().ToString();
    EXPECT_EQ(*ref, "zero@1");
  }
  EXPECT_EQ(CopyTransform(trials_, "none").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
