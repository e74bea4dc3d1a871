#include "engine/fitting/last_blocks.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/engine/kernels/networks.h"
#include "tests/engine/transforms/spatial_fronts.h"

namespace augstore {
namespace {

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
  const Matrix whole = Features(FrontOf(feature_map, convs), feature_maps.view());
  EXPECT_EQ(FactoriseLastBlocks(convs, 0), convs);
  EXPECT_EQ(FactoriseLastBlocks(convs, 8), convs);  // would not be cheaper
  const std::vector<Conv> split = FactoriseLastBlocks(convs, 6);
  ASSERT_EQ(split.size(), 3u);
  EXPECT_EQ(split[0].out, 6u);
  EXPECT_EQ(split[1].kernel, 1u);
  EXPECT_EQ(split[2].source, 2u);
  const double near =
      LargestDifference(whole, Features(FrontOf(feature_map, split), feature_maps.view()));
  const double far = LargestDifference(
      whole, Features(FrontOf(feature_map, FactoriseLastBlocks(convs, 1)), feature_maps.view()));
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
  const Matrix whole = Features(FrontOf(feature_map, {conv}), feature_maps.view());
  const Matrix split =
      Features(FrontOf(feature_map, FactoriseLastBlocks({conv}, 2)), feature_maps.view());
  EXPECT_LT(LargestDifference(whole, split), 1e-3);
}

}  // namespace
}  // namespace augstore
