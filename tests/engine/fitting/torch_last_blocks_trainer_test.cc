#include "engine/fitting/torch_last_blocks_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "engine/transforms/transform_chain.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/transforms/spatial_fronts.h"

namespace augstore {
namespace {

// Pairs whose z' is made by blocks that the start does not know yet.
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
  const SpatialFront truth = FrontOf(feature_map, {conv});
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
  options.family = "last_blocks";
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
  options.family = "last_blocks";
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
