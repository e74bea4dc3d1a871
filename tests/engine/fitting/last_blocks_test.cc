#include "engine/fitting/last_blocks.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>
#include <filesystem>
#include <utility>

#include "engine/backbone/torch_backbone.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/cell_mix.h"
#include "engine/transforms/spatial_features.h"
#include "engine/transforms/transform_chain.h"
#include "tests/engine/kernels/networks.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

const std::string kShared = SourcePath("../shared/data/");

std::string Save(const TempDir& folder, const std::string& body) {
  torch::jit::Module module("last_blocks");
  module.register_attribute("training", c10::BoolType::get(), false);  // as every nn.Module has
  module.register_parameter("w", torch::arange(36, torch::kFloat).reshape({4, 1, 3, 3}) / 36,
                            false);
  module.register_parameter("b", torch::arange(4, torch::kFloat), false);
  module.define("def forward(self, m):\n" + body);
  const std::string path = folder.path() + "/tail.pt";
  module.save(path);
  return path;
}

SpatialFront Behind(const FeatureMapShape& feature_map, std::vector<Conv> convs) {
  return {feature_map, feature_map.height, feature_map.width,
          MakeCellMix(feature_map, feature_map.height, feature_map.width, nullptr, 1, 1),
          std::move(convs)};
}

Matrix Features(const SpatialFront& front, ConstMatrixView feature_maps) {
  const Result<SpatialFeaturesPtr> features = SpatialFeatures::Make(front);
  EXPECT_TRUE(features.ok()) << features.status().ToString();
  const SpatialFeaturesPtr made = features.value();
  Matrix out(feature_maps.rows, made->features());
  SpatialScratch scratch;
  EXPECT_TRUE(made->Apply(*NewTileEngine(), feature_maps, out.view(), &scratch).ok());
  return out;
}

double LargestDifference(const Matrix& a, const Matrix& b) {
  double most = 0;
  for (size_t i = 0; i < a.rows() * a.cols(); ++i) {
    most = std::max(most, std::abs(double{a.data()[i]} - b.data()[i]));
  }
  return most;
}

TEST(ReadLastBlocks, ReadsConvolutionsReluSumsAndTheMean) {
  const TempDir folder;
  const std::string path = Save(folder,
                                "  a = torch.conv2d(m, self.w, self.b, [1, 1], [1, 1])\n"
                                "  c = torch.conv2d(m, self.w, None, [1, 1], [1, 1])\n"
                                "  return torch.relu(a + c).mean([2, 3])\n");
  const auto convs = ReadLastBlocks(path);
  ASSERT_TRUE(convs.ok()) << convs.status().ToString();
  ASSERT_EQ(convs->size(), 2u);
  EXPECT_EQ((*convs)[1].add, 1u);
  EXPECT_EQ((*convs)[1].activation, Activation::kRelu);
  EXPECT_EQ((*convs)[0].bias[3], 3.0F);
  EXPECT_EQ((*convs)[1].bias[3], 0.0F);
}

TEST(ReadLastBlocks, RefusesWhatCannotBeKeptAsDataWithTheReason) {
  const TempDir folder;
  const std::pair<std::string, std::string> cases[] = {
      {"aten::sigmoid", "  return torch.sigmoid(m).mean([2, 3])\n"},
      {"mean", "  return torch.conv2d(m, self.w, self.b, [1, 1], [1, 1])\n"},
      {"padding", "  return torch.conv2d(m, self.w, self.b, [1, 1], [0, 0]).mean([2, 3])\n"},
      {"mean", "  return torch.conv2d(m, self.w, self.b, [1, 1], [1, 1]).mean([1, 2])\n"},
      {"behind the mean",
       "  return torch.relu(torch.conv2d(m, self.w, self.b, [1, 1], [1, 1]).mean([2, 3]))\n"},
  };
  for (const auto& [part, body] : cases) {
    const Status refused = ReadLastBlocks(Save(folder, body)).status();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument);
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
  EXPECT_EQ(ReadLastBlocks(folder.path() + "/none.pt").status().code(), Code::kNotFound);
  EXPECT_EQ(ReadLastBlocks(SourcePath("README.md")).status().code(), Code::kInvalidArgument);
}

TEST(FactoriseLastBlocks, LeavesTheFunctionAtFullRankAndComesNearItBelow) {
  Conv conv{6, 8, 3, 2, Activation::kRelu, 0, {}, {}, {}};
  Matrix weight = RandomMatrix(8, 54, 3);
  conv.weight.assign(weight.data(), weight.data() + 8 * 54);
  conv.bias.assign(8, 0.5F);
  Conv last{8, 5, 1, 1, Activation::kNone, 1, 1, std::vector<float>(40, 0.25F), {}};
  last.add.reset();
  last.bias.assign(5, -1);
  const FeatureMapShape feature_map{5, 5, 6};
  const std::vector<Conv> convs = {conv, last};
  const Matrix feature_maps = RandomMatrix(7, feature_map.values(), 4);
  const Matrix whole = Features(Behind(feature_map, convs), feature_maps.view());
  EXPECT_EQ(FactoriseLastBlocks(convs, 0), convs);
  EXPECT_EQ(FactoriseLastBlocks(convs, 8), convs);  // would not be cheaper
  const std::vector<Conv> split = FactoriseLastBlocks(convs, 6);
  ASSERT_EQ(split.size(), 3u);
  EXPECT_EQ(split[0].out, 6u);
  EXPECT_EQ(split[1].kernel, 1u);
  EXPECT_EQ(split[2].source, 2u);
  const double near =
      LargestDifference(whole, Features(Behind(feature_map, split), feature_maps.view()));
  const double far = LargestDifference(
      whole, Features(Behind(feature_map, FactoriseLastBlocks(convs, 1)), feature_maps.view()));
  EXPECT_LT(near, far);
}

TEST(FactoriseLastBlocks, IsExactWhereTheWeightsHaveThatRank) {
  Conv conv{4, 8, 3, 1, Activation::kNone, 0, {}, {}, {}};
  const Matrix left = RandomMatrix(8, 2, 3), right = RandomMatrix(2, 36, 4);
  for (size_t i = 0; i < 8; ++i) {
    for (size_t j = 0; j < 36; ++j) {
      conv.weight.push_back(left.row(i)[0] * right.row(0)[j] + left.row(i)[1] * right.row(1)[j]);
    }
  }
  conv.bias.assign(8, 0.5F);
  const FeatureMapShape feature_map{4, 4, 4};
  const Matrix feature_maps = RandomMatrix(3, feature_map.values(), 5);
  const Matrix whole = Features(Behind(feature_map, {conv}), feature_maps.view());
  const Matrix split =
      Features(Behind(feature_map, FactoriseLastBlocks({conv}, 2)), feature_maps.view());
  EXPECT_LT(LargestDifference(whole, split), 1e-3);
}

// z = tail(map) by the backbone that gave both.
TEST(ReadLastBlocks, GivesTheFunctionOfARealBackbonesLastBlocks) {
  const std::string cut = kShared + "backbone_spatial.pt";
  if (!std::filesystem::exists(cut)) GTEST_SKIP() << "there is no backbone with a map at " << cut;
  const auto backbone = Backbone::Load(cut, {}).value();
  EXPECT_EQ(backbone->feature_map(), (FeatureMapShape{8, 8, 128}));
  std::vector<Image> images(5, Image{32, 32, std::vector<uint8_t>(32 * 32 * 3)});
  for (size_t i = 0; i < images.size(); ++i) {
    for (size_t b = 0; b < images[i].rgb.size(); ++b) {
      images[i].rgb[b] = static_cast<uint8_t>(b * (i + 3) / 7);
    }
  }
  Matrix z(5, backbone->dim()), feature_maps(5, backbone->feature_map().values()),
      alone(5, backbone->dim());
  ASSERT_TRUE(backbone->Embed(images, z.view(), feature_maps.view()).ok());
  ASSERT_TRUE(backbone->Embed(images, alone.view()).ok());
  EXPECT_TRUE(SameBytes(std::as_const(z).view(), std::as_const(alone).view()));
  const auto convs = ReadLastBlocks(kShared + "backbone_tail.pt");
  ASSERT_TRUE(convs.ok()) << convs.status().ToString();
  const Matrix features =
      Features(Behind(backbone->feature_map(), *convs), std::as_const(feature_maps).view());
  EXPECT_LT(LargestDifference(z, features), 1e-3);
}

// Pairs whose z' is a tail of the map that the start does not know yet.
struct LastBlocksPairs {
  TransformPairs pairs;
  SpatialFront start;
};

LastBlocksPairs MakeLastBlocksPairs() {
  LastBlocksPairs made;
  const FeatureMapShape feature_map{4, 4, 3};
  Conv conv{3, 6, 3, 1, Activation::kRelu, 0, {}, {}, {}};
  const Matrix weight = RandomMatrix(6, 27, 3);
  conv.weight.assign(weight.data(), weight.data() + 6 * 27);
  conv.bias.assign(6, 0.1F);
  const SpatialFront truth = Behind(feature_map, {conv});
  made.start = truth;
  for (float& value : made.start.convs[0].weight) value *= 0.5F;
  TransformPairs& pairs = made.pairs;
  pairs.feature_map = feature_map;
  pairs.train_feature_maps = RandomMatrix(256, feature_map.values(), 11);
  pairs.held_out_feature_maps = RandomMatrix(64, feature_map.values(), 12);
  pairs.train_z = RandomMatrix(256, 6, 13);
  pairs.held_out_z = RandomMatrix(64, 6, 14);
  pairs.train_target = Features(truth, std::as_const(pairs.train_feature_maps).view());
  pairs.held_out_target = Features(truth, std::as_const(pairs.held_out_feature_maps).view());
  pairs.non_negative = true;
  return made;
}

double Error(const FittedTransform& fitted, const TransformPairs& pairs) {
  TransformWeights weights;
  weights.layers = fitted.layers;
  weights.front = fitted.front;
  Matrix mapped(pairs.held_out_z.rows(), 6);
  EXPECT_TRUE(ApplyTransform(weights, {pairs.held_out_z.view(), pairs.held_out_feature_maps.view()},
                             mapped.view())
                  .ok());
  double sum = 0;
  for (size_t i = 0; i < mapped.rows() * 6; ++i) {
    sum += std::pow(mapped.data()[i] - pairs.held_out_target.data()[i], 2);
  }
  return sum;
}

TEST(TrainLastBlocks, LearnsFromTheStartThatItIsGivenTheSameWayEveryTime) {
  const LastBlocksPairs made = MakeLastBlocksPairs();
  TransformTrainOptions options;
  options.last_blocks_epochs = 8;
  options.last_blocks_batch_size = 32;
  options.learning_rate = 3e-3;
  std::vector<double> seen;
  const auto trained = TrainLastBlocks(made.pairs, options, made.start, [&](const auto& state) {
    EXPECT_EQ(state.family, "last_blocks");
    seen.push_back(state.validation_mse);
    return true;
  });
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_LT(Error(*trained, made.pairs), 0.5 * seen[0] * 64 * 6);
  const auto again = TrainLastBlocks(made.pairs, options, made.start, nullptr);
  EXPECT_EQ(again->front, trained->front);
  EXPECT_EQ(again->layers, trained->layers);
}

TEST(TrainLastBlocks, StopsWhenAskedAndSaysWhenItDiverges) {
  const LastBlocksPairs made = MakeLastBlocksPairs();
  TransformTrainOptions options;
  const auto stopped =
      TrainLastBlocks(made.pairs, options, made.start, [](const auto&) { return false; });
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->front, made.start);
  options.learning_rate = 1e30;
  options.patience = 100;
  const Status refused = TrainLastBlocks(made.pairs, options, made.start, nullptr).status();
  EXPECT_NE(refused.message().find("diverged"), std::string::npos) << refused.ToString();
}

}  // namespace
}  // namespace augstore
