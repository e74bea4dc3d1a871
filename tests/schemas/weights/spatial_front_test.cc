#include "schemas/weights/spatial_front.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "schemas/base/limits.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {
namespace {

Conv MakeConv(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t source) {
  Conv conv{in, out, kernel, stride, Activation::kRelu, source, {}, {}, {}};
  conv.weight.assign(size_t{in} * out * kernel * kernel, 0.5F);
  conv.bias.assign(out, 0.25F);
  return conv;
}

// 4 x 2 x 3 -> two convolutions with a shortcut -> 5 features.
SpatialFront Front() {
  SpatialFront front{{4, 2, 3}, 4, 2, std::vector<float>(64), {}};
  for (size_t i = 0; i < 8; ++i) front.mix[i * 8 + i] = 1;
  front.convs = {MakeConv(3, 5, 3, 2, 0), MakeConv(5, 5, 3, 1, 1), MakeConv(3, 5, 1, 2, 0)};
  front.convs[2].add = 2;
  front.convs[1].activation = Activation::kNone;
  return front;
}

TransformWeights Weights(SpatialFront front) {
  TransformWeights weights;
  Layer layer;
  layer.shape = {6 + front.features(), 6, Activation::kRelu, false};
  layer.weight.assign(size_t{layer.shape.in} * 6, 0.125F);
  layer.bias.assign(6, 0);
  weights.layers.layers.push_back(std::move(layer));
  weights.front = std::move(front);
  return weights;
}

TEST(SpatialFront, KnowsTheShapesOfItsTensorsAndItsCost) {
  const SpatialFront front = Front();
  ASSERT_TRUE(front.Validate().ok()) << front.Validate().ToString();
  EXPECT_EQ(front.ShapeOf(0), (FeatureMapShape{4, 2, 3}));
  EXPECT_EQ(front.ShapeOf(1), (FeatureMapShape{2, 1, 5}));
  EXPECT_EQ(front.ShapeOf(3), (FeatureMapShape{2, 1, 5}));
  EXPECT_EQ(front.features(), 5u);
  EXPECT_EQ(front.MultiplyAdds(), 8u * 3 + 2 * (3 * 5 * 9) + 2 * (5 * 5 * 9) + 2 * (3 * 5));
  SpatialFront pooled = front;
  pooled.convs.clear();
  EXPECT_EQ(pooled.features(), 24u);
}

TEST(SpatialFront, TravelsWithTheWeightsOfATransform) {
  const TransformWeights weights = Weights(Front());
  const std::string bytes = weights.ToSafetensors();
  const auto again = TransformWeights::FromSafetensors(bytes);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->front, weights.front);
  EXPECT_EQ(again->dim(), 6u);
  EXPECT_EQ(again->ToSafetensors(), bytes);
  EXPECT_EQ(again->MultiplyAdds(), Front().MultiplyAdds() + 11 * 6);
}

TEST(SpatialFront, RefusesWhatDoesNotFitTogether) {
  const std::pair<std::string, std::function<void(SpatialFront*)>> changes[] = {
      {"cells", [](auto* f) { f->feature_map.height = 0; }},
      {"cells", [](auto* f) { f->feature_map.height = kMaxFeatureMapCells; }},
      {"cells", [](auto* f) { f->out_width = 0; }},
      {"values", [](auto* f) { f->feature_map.channels = kMaxDim; }},
      {"64 elements", [](auto* f) { f->out_height = 3; }},
      {"nan", [](auto* f) { f->mix[7] = std::nanf(""); }},
      {"convolutions", [](auto* f) { f->convs.resize(kMaxConvs + 1, f->convs[0]); }},
      {"does not exist", [](auto* f) { f->convs[1].source = 2; }},
      {"does not exist", [](auto* f) { f->convs[2].add = 3; }},
      {"strides", [](auto* f) { f->convs[0].stride = 3; }},
      {"kernels", [](auto* f) { f->convs[0].kernel = 2; }},
      {"has 3 channels", [](auto* f) { f->convs[1].source = 0; }},
      {"cannot be added", [](auto* f) { f->convs[2].add = 0; }},
      {"another size", [](auto* f) { f->convs[0].weight.pop_back(); }},
      {"another size", [](auto* f) { f->convs[0].bias.pop_back(); }},
      {"bias", [](auto* f) { f->convs[0].bias[0] = std::nanf(""); }},
      {"channels are", [](auto* f) { f->convs[0].out = 0; }},
  };
  for (const auto& [part, change] : changes) {
    SpatialFront front = Front();
    change(&front);
    const Status refused = front.Validate();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << part;
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
}

TEST(SpatialFront, RefusesLayersThatTakeAnotherNumberOfFeatures) {
  TransformWeights weights = Weights(Front());
  weights.front->convs.pop_back();
  weights.front->convs.back().out = 4;
  EXPECT_FALSE(weights.Validate().ok());
  weights = Weights(Front());
  weights.front.reset();
  EXPECT_NE(weights.Validate().message().find("11 numbers to 6"), std::string::npos);
}

TEST(SpatialFront, RefusesMetadataThatCannotBeRead) {
  const TransformWeights weights = Weights(Front());
  const std::string bytes = weights.ToSafetensors();
  const SafetensorsView view = ParseSafetensors(bytes).value();
  const std::string plan = view.metadata.at("augstore.spatial_front");
  const std::string bad[] = {"",
                             "{",
                             "[]",
                             "{\"feature_map\":[4,2]}",
                             "{\"feature_map\":[4,2,-3]}",
                             plan.substr(0, plan.size() - 1),
                             "{\"convs\":[],\"feature_map\":[4,2,3],\"out\":\"no\"}",
                             "{\"convs\":[1,2,3],\"feature_map\":[4,2,3],\"out\":[4,2]}",
                             "{\"convs\":[],\"feature_map\":[2,2,3],\"out\":[4,2]}"};
  for (const std::string& text : bad) {
    auto metadata = view.metadata;
    metadata["augstore.spatial_front"] = text;
    const auto read = TransformWeights::FromSafetensors(WriteSafetensors(metadata, view.tensors));
    EXPECT_EQ(read.status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(SpatialFront, RefusesFilesWithoutTheTensorsOfThePlan) {
  const TransformWeights weights = Weights(Front());
  const std::string bytes = weights.ToSafetensors();
  const SafetensorsView view = ParseSafetensors(bytes).value();
  for (size_t i = 0; i < view.tensors.size(); ++i) {
    if (!IsSpatialFrontTensor(view.tensors[i].name)) continue;
    std::vector<TensorView> tensors = view.tensors;
    tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
    const auto read = TransformWeights::FromSafetensors(WriteSafetensors(view.metadata, tensors));
    EXPECT_NE(read.status().message().find(view.tensors[i].name), std::string::npos)
        << read.status().ToString();
  }
}

}  // namespace
}  // namespace augstore
