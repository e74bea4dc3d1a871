#include "tools/collection/proven_transform.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/cli/database.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

class ProvenTransformTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeBlobs(dir_.path(), "blobs").ok());
    database_ = Database::Open({.store = dir_.path(), .connect = {}}).value();
  }

  // Registers the next version of `name` for the backbone of the blobs.
  void Add(const std::string& name, double r2, double r2_low) {
    TransformWeights weights;
    Layer layer;
    layer.shape = {kBlobDim, kBlobDim, Activation::kNone, false};
    layer.weight.assign(kBlobDim * kBlobDim, 0.5f);
    layer.bias.assign(kBlobDim, 0);
    weights.layers.layers.push_back(std::move(layer));
    Card card;
    card.entries.push_back({.data = "held-out", .pairs = 100, .r2 = r2, .r2_low = r2_low});
    BackboneRecord backbone;
    backbone.digest = BlobBackbone();
    backbone.dim = kBlobDim;
    ASSERT_TRUE(
        RegisterTransform(database_->client(), name, backbone, "hflip", "custom", weights, card)
            .ok());
  }

  std::string Chosen(const std::string& ref) {
    const auto chosen = GetTransform(database_->client(), ref, BlobBackbone());
    return chosen.ok() ? chosen->ref() : chosen.status().ToString();
  }

  TempDir dir_;
  std::unique_ptr<Database> database_;
};

TEST_F(ProvenTransformTest, ABareNameMeansTheBestProvenVersionAndNotTheLatest) {
  Add("flip", 0.2, 0.1);
  Add("flip", 0.4, 0.3);
  Add("flip", 0.5, -0.1);
  EXPECT_EQ(Chosen("flip"), "flip@2");
  EXPECT_EQ(Chosen("flip@3"), "flip@3");
}

TEST_F(ProvenTransformTest, TheChampionComesFirst) {
  Add("flip", 0.2, 0.1);
  Add("flip", 0.4, 0.3);
  ASSERT_TRUE(
      database_->client().SetAlias({RecordKind::kTransform, "flip", "champion", 1, ""}).ok());
  EXPECT_EQ(Chosen("flip"), "flip@1");
  EXPECT_EQ(Chosen("flip@champion"), "flip@1");
}

TEST_F(ProvenTransformTest, RefusesANameOfWhichNoVersionIsProven) {
  Add("flip", 0.1, -0.2);
  EXPECT_NE(Chosen("flip").find("name one as name@version, such as flip@1"), std::string::npos)
      << Chosen("flip");
  EXPECT_NE(Chosen("nobody").find("NotFound"), std::string::npos) << Chosen("nobody");
}

}  // namespace
}  // namespace augstore
