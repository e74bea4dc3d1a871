#include "schemas/weights/transform_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

Layer MakeLayer(uint32_t in, uint32_t out, Activation activation, bool residual) {
  Layer layer;
  layer.shape = {in, out, activation, residual};
  for (uint32_t i = 0; i < in * out; ++i) layer.weight.push_back(static_cast<float>(i) / 8);
  for (uint32_t i = 0; i < out; ++i) layer.bias.push_back(static_cast<float>(i));
  return layer;
}

Matrix MakeErrorBank(size_t rows, size_t cols) {
  Matrix matrix(rows, cols);
  for (size_t i = 0; i < rows * cols; ++i) matrix.data()[i] = 0.25f - static_cast<float>(i);
  return matrix;
}

TransformWeights Conditional() {
  TransformWeights weights;
  weights.layers.layers = {MakeLayer(3, 3, Activation::kRelu, false)};
  for (int i = 0; i < 11; ++i) {
    weights.basis.push_back(MakeLayer(3, 3, Activation::kNone, false));
    weights.basis.back().bias[0] = static_cast<float>(i);
  }
  weights.ops = "hflip,rotate(-15..15)";
  weights.slots = 2;
  weights.error_bank = MakeErrorBank(2, 3);
  return weights;
}

TEST(TransformWeights, ReadWhatTheyWrite) {
  const TransformWeights weights = Conditional();
  const std::string bytes = weights.ToSafetensors();
  const auto again = TransformWeights::FromSafetensors(bytes);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->layers, weights.layers);
  EXPECT_EQ(again->basis, weights.basis);
  EXPECT_EQ(again->ops, weights.ops);
  EXPECT_EQ(again->slots, 2u);
  ASSERT_EQ(again->error_bank.rows(), 2u);
  EXPECT_EQ(again->error_bank.row(1)[2], weights.error_bank.row(1)[2]);
  EXPECT_EQ(again->ToSafetensors(), bytes);
  EXPECT_EQ(again->MultiplyAdds(), 9u);
}

TEST(TransformWeights, TakePlainLayersAsTheyAre) {
  Layers layers{{MakeLayer(3, 3, Activation::kNone, false)}};
  const auto weights = TransformWeights::FromSafetensors(layers.ToSafetensors());
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  EXPECT_FALSE(weights->conditional());
  EXPECT_EQ(weights->layers, layers);
  EXPECT_EQ(weights->error_bank.rows(), 0u);
  EXPECT_EQ(weights->ToSafetensors(), layers.ToSafetensors());
}

TEST(TransformWeights, SayWhetherOutputsAreNormalised) {
  TransformWeights weights = Conditional();
  EXPECT_FALSE(TransformWeights::FromSafetensors(weights.ToSafetensors())->normalised);
  weights.normalised = true;
  const auto again = TransformWeights::FromSafetensors(weights.ToSafetensors());
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_TRUE(again->normalised);
  const auto odd =
      TransformWeights::FromSafetensors(WriteSafetensors({{"augstore.normalised", "yes"}}, {}));
  EXPECT_EQ(odd.status().code(), Code::kInvalidArgument);
}

TEST(TransformWeights, RefuseWhatDoesNotFitTogether) {
  const std::pair<std::string, std::function<void(TransformWeights*)>> changes[] = {
      {"plain dense", [](auto* w) { w->basis[3].shape.residual = true; }},
      {"plain dense", [](auto* w) { w->basis[0] = MakeLayer(3, 2, Activation::kNone, false); }},
      {"basis", [](auto* w) { w->basis[0].weight.pop_back(); }},
      {"maps", [](auto* w) { w->basis.resize(kMaxBasis + 1, w->basis[0]); }},
      {"3 numbers to 2",
       [](auto* w) {
         w->layers.layers = {MakeLayer(3, 2, Activation::kNone, false)};
         w->error_bank = Matrix();
       }},
      {"ops", [](auto* w) { w->ops.clear(); }},
      {"slots", [](auto* w) { w->slots = 0; }},
      {"slots", [](auto* w) { w->slots = kMaxChainLength + 1; }},
      {"augstore.ops", [](auto* w) { w->basis.clear(); }},
      {"error_bank", [](auto* w) { w->error_bank = MakeErrorBank(2, 4); }},
      {"nan", [](auto* w) { w->error_bank.row(1)[0] = std::nanf(""); }},
  };
  ASSERT_TRUE(Conditional().Validate().ok());
  for (const auto& [part, change] : changes) {
    TransformWeights weights = Conditional();
    change(&weights);
    const Status refused = weights.Validate();
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << part;
    EXPECT_NE(refused.message().find(part), std::string::npos) << refused.message();
  }
}

TEST(TransformWeights, RefuseDamagedFiles) {
  const std::string bytes = Conditional().ToSafetensors();
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(TransformWeights::FromSafetensors(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(TransformWeights, RefuseResidualsOfAnotherKindAndSlotsThatAreNoNumber) {
  const std::vector<float> numbers(9, 1.0f);
  const std::span data(reinterpret_cast<const uint8_t*>(numbers.data()), 36);
  const TensorView weight{"0.weight", "F32", {3, 3}, data};
  const std::vector<TensorView> flat = {weight, {"error_bank", "F32", {9}, data}};
  EXPECT_EQ(TransformWeights::FromSafetensors(WriteSafetensors({}, flat)).status().code(),
            Code::kInvalidArgument);
  const std::vector<TensorView> alone = {weight};
  const auto slots =
      TransformWeights::FromSafetensors(WriteSafetensors({{"augstore.slots", "two"}}, alone));
  EXPECT_NE(slots.status().message().find("'two'"), std::string::npos);
}

}  // namespace
}  // namespace augstore
