#include "schemas/weights/layers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "schemas/base/limits.h"
#include "schemas/weights/safetensors.h"

namespace augstore {
namespace {

Layer MakeLayer(uint32_t in, uint32_t out, Activation activation, bool residual) {
  Layer layer;
  layer.shape = {in, out, activation, residual};
  for (uint32_t i = 0; i < in * out; ++i) layer.weight.push_back(0.5F * static_cast<float>(i) - 1);
  for (uint32_t i = 0; i < out; ++i) layer.bias.push_back(static_cast<float>(i));
  return layer;
}

Layers TwoLayers() {
  return {{MakeLayer(3, 6, Activation::kRelu, false), MakeLayer(6, 3, Activation::kNone, true)}};
}

struct NamedTensor {
  std::string name;
  std::vector<uint64_t> shape;
  std::string dtype = "F32";
};

// A file of such tensors, all elements 1.
Result<Layers> Load(const std::vector<NamedTensor>& named,
                    const std::map<std::string, std::string>& metadata = {}) {
  static const std::vector<float> ones(1000, 1.0F);
  std::vector<TensorView> tensors;
  for (const NamedTensor& tensor : named) {
    size_t bytes = tensor.dtype == "F32" ? 4 : 2;
    for (uint64_t size : tensor.shape) bytes *= size;
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape,
                       std::span(reinterpret_cast<const uint8_t*>(ones.data()), bytes)});
  }
  return Layers::FromSafetensors(WriteSafetensors(metadata, tensors));
}

void ExpectRefused(const Status& status, std::string_view part) {
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

TEST(Layers, ReadWhatTheyWrite) {
  const Layers layers = TwoLayers();
  const auto again = Layers::FromSafetensors(layers.ToSafetensors());
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(*again, layers);
  EXPECT_EQ(again->ToSafetensors(), layers.ToSafetensors());
}

TEST(Layers, TakeAVectorAsADiagonalLayer) {
  const auto layers = Load({{"0.weight", {3}}, {"1.weight", {2, 3}}});
  ASSERT_TRUE(layers.ok()) << layers.status().ToString();
  EXPECT_EQ(layers->layers[0].shape,
            (LayerShape{3, 3, Activation::kRelu, false, LayerKind::kDiagonal}));
  EXPECT_EQ(layers->MultiplyAdds(), 3u + 6u);
  EXPECT_EQ(Layers::FromSafetensors(layers->ToSafetensors()).value(), *layers);
  Layers odd = *layers;
  odd.layers[0].shape.out = 2;
  ExpectRefused(odd.Validate(), "diagonal");
  odd = *layers;
  odd.layers[0].shape.kind = static_cast<LayerKind>(7);
  ExpectRefused(odd.Validate(), "unknown kind 7");
}

TEST(Layers, ReadEveryNumberOfLayersThatTheyWrite) {
  Layers layers;
  for (uint32_t i = 0; i < kMaxLayers; ++i) {
    layers.layers.push_back(
        MakeLayer(2, 2, i % 2 == 0 ? Activation::kNone : Activation::kRelu, i % 3 == 0));
    const auto again = Layers::FromSafetensors(layers.ToSafetensors());
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(*again, layers);
  }
}

TEST(Layers, TellDimensionsAndCost) {
  const Layers layers = TwoLayers();
  EXPECT_EQ(layers.dim_in(), 3U);
  EXPECT_EQ(layers.dim_out(), 3U);
  EXPECT_EQ(layers.MultiplyAdds(), 36U);
  ASSERT_EQ(layers.shapes().size(), 2U);
  EXPECT_EQ(layers.shapes()[1], (LayerShape{6, 3, Activation::kNone, true}));
  EXPECT_EQ(Layers{}.dim_in(), 0U);
  EXPECT_EQ(Layers{}.MultiplyAdds(), 0U);
}

TEST(Layers, LoadTheStateOfASequentialModel) {
  const auto layers =
      Load({{"0.weight", {4, 2}}, {"0.bias", {4}}, {"2.weight", {2, 4}}, {"2.bias", {2}}},
           {{"format", "pt"}});
  ASSERT_TRUE(layers.ok()) << layers.status().ToString();
  EXPECT_EQ(layers->shapes(), (std::vector<LayerShape>{{2, 4, Activation::kRelu, false},
                                                       {4, 2, Activation::kNone, false}}));
}

TEST(Layers, OrderTensorsByNumberAndNotByText) {
  const auto layers = Load({{"10.weight", {5, 4}}, {"9.weight", {4, 3}}});
  ASSERT_TRUE(layers.ok()) << layers.status().ToString();
  EXPECT_EQ(layers->dim_in(), 3U);
  EXPECT_EQ(layers->dim_out(), 5U);
}

TEST(Layers, TakeAMissingBiasAsZeros) {
  const auto layers = Load({{"0.weight", {2, 3}}});
  ASSERT_TRUE(layers.ok());
  EXPECT_EQ(layers->layers[0].bias, (std::vector<float>{0, 0}));
}

TEST(Layers, FollowTheMetadata) {
  const auto layers = Load({{"0.weight", {2, 2}}, {"1.weight", {2, 2}}},
                           {{"augstore.layers", "none+residual,relu"}});
  ASSERT_TRUE(layers.ok()) << layers.status().ToString();
  EXPECT_EQ(layers->shapes(), (std::vector<LayerShape>{{2, 2, Activation::kNone, true},
                                                       {2, 2, Activation::kRelu, false}}));
}

TEST(Layers, RefuseMetadataThatDoesNotFit) {
  for (const char* forms : {"", "relu", "relu,", "relu,none,none", "relu,tanh", "relu, none",
                            "relu,+residual", "relu,none+residual+residual"}) {
    const auto layers =
        Load({{"0.weight", {2, 2}}, {"1.weight", {2, 2}}}, {{"augstore.layers", forms}});
    ASSERT_FALSE(layers.ok()) << forms;
    ExpectRefused(layers.status(), "augstore.layers");
  }
}

TEST(Layers, RefuseTensorsOfAnotherKindAndNameThem) {
  for (const char* name : {"weight", "0.gamma", "x.weight", "00.weight", "-1.weight", "0weight",
                           "4294967296.weight", "0.weight.x", ""}) {
    ExpectRefused(Load({{name, {1, 1}}}).status(), fmt::format("tensor '{}'", name));
  }
  ExpectRefused(Load({{"0.weight", {1, 1}, "F16"}}).status(), "F16");
  ExpectRefused(Load({{"0.weight", {2, 2}}, {"1.bias", {2}}}).status(), "'1.bias'");
  ExpectRefused(Load({{"0.weight", {4, 1, 1}}}).status(), "3 dimensions");
  ExpectRefused(Load({{"0.weight", {2, 2}}, {"0.bias", {3}}}).status(), "'0.bias'");
  ExpectRefused(Load({{"0.weight", {0, 2}}}).status(), "[0, 2]");
  ExpectRefused(Load({{"0.weight", {0, 1u << 20}}}).status(), "0.weight");
}

TEST(Layers, RefuseNoAndTooManyLayers) {
  ExpectRefused(Load({}).status(), "0 layers");
  std::vector<NamedTensor> tensors;
  for (uint32_t i = 0; i <= kMaxLayers; ++i)
    tensors.push_back({fmt::format("{}.weight", i), {1, 1}});
  ExpectRefused(Load(tensors).status(), "17 layers");
  ExpectRefused(Layers{}.Validate(), "0 layers");
}

TEST(Layers, RefuseDimensionsThatDoNotChain) {
  ExpectRefused(Load({{"0.weight", {4, 2}}, {"1.weight", {2, 3}}}).status(), "layer 1 takes 3");
  Layers layers = TwoLayers();
  layers.layers[1] = MakeLayer(6, 2, Activation::kNone, true);
  ExpectRefused(layers.Validate(), "layer 1 is residual");
}

TEST(Layers, RefuseWrongDimensionsBuffersAndActivations) {
  Layers layers = TwoLayers();
  layers.layers[0].bias.pop_back();
  ExpectRefused(layers.Validate(), "layer 0 (3 -> 6) has 18 weights and 5 biases");
  layers = TwoLayers();
  layers.layers[1].weight.pop_back();
  ExpectRefused(layers.Validate(), "layer 1 (6 -> 3)");
  layers = TwoLayers();
  layers.layers[0].shape.in = 0;
  ExpectRefused(layers.Validate(), "layer 0");
  layers.layers[0].shape.in = kMaxDim + 1;
  ExpectRefused(layers.Validate(), "65537");
  layers = TwoLayers();
  layers.layers[1].shape.activation = static_cast<Activation>(9);
  ExpectRefused(layers.Validate(), "activation 9");
}

TEST(Layers, RefuseWeightsThatAreNotFinite) {
  for (float value : {NAN, INFINITY, -INFINITY}) {
    Layers layers = TwoLayers();
    layers.layers[1].weight[7] = value;
    ExpectRefused(layers.Validate(), "element 7");
    ExpectRefused(Layers::FromSafetensors(layers.ToSafetensors()).status(), "layer 1");
    layers = TwoLayers();
    layers.layers[0].bias[2] = value;
    ExpectRefused(layers.Validate(), "layer 0 has the bias");
  }
}

TEST(Layers, RefuseEveryTruncation) {
  const std::string bytes = TwoLayers().ToSafetensors();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Layers::FromSafetensors(std::string(bytes, 0, size)).ok()) << size;
  }
}

TEST(Layers, SurviveRandomDamage) {
  std::mt19937 random(3);
  const std::string valid = TwoLayers().ToSafetensors();
  for (int i = 0; i < 10000; ++i) {
    std::string bytes = valid;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    const auto layers = Layers::FromSafetensors(bytes);
    EXPECT_TRUE(!layers.ok() || layers->Validate().ok());
  }
}

}  // namespace
}  // namespace augstore
