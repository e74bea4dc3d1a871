#include "engine/transforms/precision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/kernels/tile_engine.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

// Embeddings of a backbone that ends in ReLU, and what a random map makes of them.
struct Moved {
  explicit Moved(uint64_t seed) : z(RandomMatrix(300, 32, seed)), target(300, 32) {
    for (size_t i = 0; i < 300 * 32; ++i) z.data()[i] = std::max(0.0F, z.data()[i]);
    weights.layers = RandomNetwork({{32, 32, Activation::kRelu, true}})->layers;
    EXPECT_TRUE(ApplyTransform(weights, {std::as_const(z).view()}, target.view()).ok());
    for (size_t i = 0; i < 300 * 32; ++i)
      target.data()[i] += 0.01F * std::sin(static_cast<float>(i));
  }
  TransformModelPtr Model() const {
    TransformWeights copy;
    copy.layers = weights.layers;
    return MakeTransformModel(std::move(copy)).value();
  }
  ChainInput input() const { return {z.view()}; }

  Matrix z;
  Matrix target;
  TransformWeights weights;
};

double Value(const std::vector<CardMeasure>& measures, std::string_view name) {
  const auto found = std::ranges::find(measures, name, &CardMeasure::name);
  EXPECT_NE(found, measures.end()) << name;
  return found == measures.end() ? NAN : found->value;
}

TEST(NewEngine, GivesTheEngineOfAPrecision) {
  EXPECT_EQ(NewEngine(Precision::kF32)->name(), NewTileEngine()->name());
  EXPECT_NE(NewEngine(Precision::kInt8)->name(), NewTileEngine()->name());
}

TEST(MeasureLosses, SaysWhatEachPrecisionAndDtypeCosts) {
  const Moved moved(3);
  const TransformStep step = StepOf(moved.weights).value();
  const auto losses =
      MeasureLosses(step, moved.input(), std::as_const(moved.target).view()).value();
  ASSERT_EQ(losses.size(), 3u);
  // Ω is nearly exact, so every rounding costs something.
  EXPECT_GT(Value(losses, "int8_loss"), 0);
  EXPECT_LT(Value(losses, "int8_loss"), 0.02);
  EXPECT_GT(Value(losses, "u8_loss"), Value(losses, "f16_loss"));
  EXPECT_LT(std::fabs(Value(losses, "f16_loss")), 1e-3);
}

TEST(MeasureLosses, LeavesOutADtypeThatCannotHoldTheValues) {
  Moved moved(4);
  moved.z.row(17)[3] = 70000;
  const TransformStep step = StepOf(moved.weights).value();
  const auto losses =
      MeasureLosses(step, moved.input(), std::as_const(moved.target).view()).value();
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_EQ(losses[1].name, "u8_loss");
}

TEST(MeasureLosses, LeavesOutWhatIsNotANumber) {
  Moved moved(7);
  for (float& weight : moved.weights.layers.layers[0].weight) weight *= 1e30F;
  moved.weights.layers.layers[0].shape.activation = Activation::kNone;
  const TransformStep wild = StepOf(moved.weights).value();
  const std::vector<CardMeasure> losses =
      MeasureLosses(wild, moved.input(), std::as_const(moved.target).view()).value();
  for (const CardMeasure& price : losses) {
    EXPECT_TRUE(std::isfinite(price.value)) << price.name;
    EXPECT_NE(price.name, "f16_loss");
  }
}

TEST(WithoutLosses, KeepsTheOtherMeasures) {
  const std::vector<CardMeasure> kept =
      WithoutLosses({{"f16_loss", 1}, {"us_per_row", 2}, {"int8_loss", 3}});
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].name, "us_per_row");
}

TEST(MeasureLosses, HasNothingToSayWhereNothingMoves) {
  const Moved moved(5);
  const TransformStep step = StepOf(moved.weights).value();
  EXPECT_TRUE(MeasureLosses(step, moved.input(), moved.input().z).value().empty());
}

TEST(CheckPrecision, RefusesInt8WithoutAPriceAndAboveTheMost) {
  Card card;
  const TransformModelPtr model = Moved(6).Model();
  EXPECT_TRUE(CheckPrecision(Precision::kF32, "vflip@1", *model, card).ok());
  const Status unknown = CheckPrecision(Precision::kInt8, "vflip@1", *model, card);
  EXPECT_EQ(unknown.code(), Code::kFailedPrecondition);
  EXPECT_NE(unknown.message().find("transform eval vflip@1 --save"), std::string::npos);
  card.measures = {{"us_per_row", 3}, {"int8_loss", 0.005}};
  EXPECT_TRUE(CheckPrecision(Precision::kInt8, "vflip@1", *model, card).ok());
  card.measures[1].value = -0.001;
  EXPECT_TRUE(CheckPrecision(Precision::kInt8, "vflip@1", *model, card).ok());
  card.measures[1].value = 0.0062;
  const Status dear = CheckPrecision(Precision::kInt8, "vflip@1", *model, card);
  EXPECT_EQ(dear.code(), Code::kFailedPrecondition);
  EXPECT_NE(dear.message().find("0.0062"), std::string::npos) << dear.message();
}

}  // namespace
}  // namespace augstore
