#include "engine/fitting/refine.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "engine/fitting/closed_forms.h"
#include "engine/transforms/card.h"
#include "tests/engine/fitting/transform_pairs.h"

namespace augstore {
namespace {

// z' = relu(z + a map with a bend of z), which no affine map is.
TransformPairs BentPairs(float shift = 0) {
  constexpr uint32_t kDim = 16;
  TestPairs pairs(1200, kDim);
  Layers map = RandomLayers(MlpShapes(kDim, true), 3);
  for (Layer& layer : map.layers) {
    for (float& weight : layer.weight) weight *= 0.6F;
  }
  pairs.z_target =
      Applied(*NewReferenceEngine(), MakeNetwork(std::move(map)).value(), pairs.z.view());
  for (Matrix* matrix : {&pairs.z, &pairs.z_target}) {
    for (size_t i = 0; i < matrix->rows() * kDim; ++i) matrix->data()[i] -= shift;
  }
  TransformPairs result;
  result.train_z = Copy(pairs.z.view().Slice(0, 1000));
  result.train_target = Copy(pairs.z_target.view().Slice(0, 1000));
  result.held_out_z = Copy(pairs.z.view().Slice(1000, 200));
  result.held_out_target = Copy(pairs.z_target.view().Slice(1000, 200));
  result.non_negative = shift == 0;
  return result;
}

TransformTrainOptions Options() {
  TransformTrainOptions options;
  options.family = "refined";
  options.max_epochs = 20;
  options.batch_size = 50;
  options.learning_rate = 5e-3;
  return options;
}

Result<FittedTransform> Fit(const TransformPairs& pairs, const TransformTrainOptions& options,
                            const TransformProgressCallback& progress = {}) {
  ClosedForms forms(pairs);
  AUGSTORE_ASSIGN(const AffineFit* ridge, forms.Ridge());
  return Refine(pairs, options, forms.moments(), *ridge, progress);
}

CardEntry Measure(const TransformPairs& pairs, const Layers& layers) {
  const Matrix mapped =
      Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), pairs.held_out_z.view());
  return MeasureCard("held-out", pairs.held_out_z.view(), pairs.held_out_target.view(),
                     mapped.view());
}

double Affine(const TransformPairs& pairs) {
  ClosedForms forms(pairs);
  return Measure(pairs, forms.Affine().value().layers).r2;
}

TEST(Refine, IsMuchBetterThanAffineOnAMapWithABend) {
  const TransformPairs pairs = BentPairs();
  const Result<FittedTransform> fitted = Fit(pairs, Options());
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_TRUE(fitted->layers.Validate().ok());
  EXPECT_EQ(fitted->layers.shapes(), MlpShapes(16, true));
  const double affine = Affine(pairs);
  EXPECT_GT(1 - Measure(pairs, fitted->layers).r2, 0);
  EXPECT_LT(1 - Measure(pairs, fitted->layers).r2, 0.5 * (1 - affine));
  EXPECT_NE(fitted->notes.find("lambda="), std::string::npos) << fitted->notes;
}

TEST(Refine, TakesEmbeddingsThatAreNegative) {
  const TransformPairs pairs = BentPairs(1.5F);
  const Result<FittedTransform> fitted = Fit(pairs, Options());
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_EQ(fitted->layers.layers[1].shape.activation, Activation::kNone);
  EXPECT_LT(1 - Measure(pairs, fitted->layers).r2, 0.5 * (1 - Affine(pairs)));
}

TEST(Refine, IsNeverWorseThanAffineOnHeldOutPairs) {
  TransformPairs pairs = BentPairs();
  TransformTrainOptions options = Options();
  options.learning_rate = 3;  // descent that only harms
  const double harmed = Measure(pairs, Fit(pairs, options).value().layers).r2;
  EXPECT_GE(harmed, Affine(pairs) - 1e-5);
  const Matrix noise = RandomMatrix(1000, 16, 8);  // pairs with nothing to learn
  pairs.train_target = Copy(noise.view());
  pairs.held_out_target = Copy(noise.view().Slice(300, 200));
  pairs.non_negative = false;
  EXPECT_GE(Measure(pairs, Fit(pairs, Options()).value().layers).r2, Affine(pairs) - 1e-5);
}

TEST(Refine, GivesTheSameWeightsEveryTime) {
  const TransformPairs pairs = BentPairs();
  TransformTrainOptions options = Options();
  options.max_epochs = 4;
  const Layers first = Fit(pairs, options).value().layers;
  EXPECT_EQ(first, Fit(pairs, options).value().layers);
  options.seed = 1;
  EXPECT_NE(first, Fit(pairs, options).value().layers);
}

TEST(Refine, ReportsWhatTheLayersDo) {
  const TransformPairs pairs = BentPairs();
  double best = std::numeric_limits<double>::infinity();
  std::vector<uint32_t> epochs;
  const Layers layers = Fit(pairs, Options(),
                            [&](const TransformProgress& state) {
                              EXPECT_EQ(state.family, "refined");
                              epochs.push_back(state.epoch);
                              best = std::min(best, state.validation_mse);
                              return true;
                            })
                            .value()
                            .layers;
  const CardEntry card = Measure(pairs, layers);
  EXPECT_NEAR(card.mse, best, 1e-4 * card.identity_mse);
  ASSERT_GE(epochs.size(), 2u);
  EXPECT_EQ(epochs[0], 0u);
  EXPECT_EQ(epochs[1], kEpochsPerTurn);
  EXPECT_LE(epochs.back(), 20u);
}

TEST(Refine, StopsWhenTheCallerSaysSoAndAtTheMostEpochs) {
  const TransformPairs pairs = BentPairs();
  int calls = 0;
  EXPECT_TRUE(Fit(pairs, Options(), [&](const TransformProgress&) { return ++calls < 2; }).ok());
  EXPECT_EQ(calls, 2);
  TransformTrainOptions options = Options();
  options.max_epochs = 3;
  uint32_t last = 0;
  EXPECT_TRUE(Fit(pairs, options, [&](const TransformProgress& state) {
                last = state.epoch;
                return true;
              }).ok());
  EXPECT_EQ(last, 3u);
}

TEST(Refine, HoldsWByWeightDecay) {
  const TransformPairs pairs = BentPairs();
  TransformTrainOptions options = Options();
  options.max_epochs = 2;
  options.weight_decay = 0;
  const Layers free = Fit(pairs, options).value().layers;
  options.weight_decay = 1 / options.learning_rate;  // back to the start with every step
  options.learning_rate = 5e-3;
  const Layers held = Fit(pairs, options).value().layers;
  EXPECT_NE(free, held);
  EXPECT_GT(Measure(pairs, free).r2, Measure(pairs, held).r2);
}

TEST(Refine, SaysWhenTrainingDiverges) {
  TransformTrainOptions options = Options();
  options.learning_rate = 1e30;
  const Result<FittedTransform> fitted = Fit(BentPairs(), options);
  ASSERT_FALSE(fitted.ok());
  EXPECT_EQ(fitted.status().code(), Code::kInvalidArgument);
  EXPECT_NE(fitted.status().message().find("1e+30"), std::string::npos);
}

TEST(Refine, LearnsAtAnyScaleOfTheEmbeddings) {
  TransformPairs pairs = BentPairs();
  const double r2 = Measure(pairs, Fit(pairs, Options()).value().layers).r2;
  for (Matrix* matrix :
       {&pairs.train_z, &pairs.train_target, &pairs.held_out_z, &pairs.held_out_target}) {
    for (size_t i = 0; i < matrix->rows() * matrix->cols(); ++i) matrix->data()[i] *= 1e-4F;
  }
  EXPECT_NEAR(Measure(pairs, Fit(pairs, Options()).value().layers).r2, r2, 0.02);
}

}  // namespace
}  // namespace augstore
