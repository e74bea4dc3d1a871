#include "engine/fitting/torch_transform_trainer.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "engine/math/compute_threads.h"
#include "engine/transforms/card.h"
#include "tests/engine/fitting/transform_pairs.h"

namespace augstore {
namespace {

TransformPairs SomePairs(bool non_negative = true) {
  const TestPairs pairs(500);
  TransformPairs result;
  result.train_z = Copy(pairs.z.view().Slice(0, 400));
  result.train_target = Copy(pairs.z_target.view().Slice(0, 400));
  result.held_out_z = Copy(pairs.z.view().Slice(400, 100));
  result.held_out_target = Copy(pairs.z_target.view().Slice(400, 100));
  result.non_negative = non_negative;
  return result;
}

Result<FittedTransform> Train(const TransformPairs& pairs, const TransformTrainOptions& options,
                              const TransformProgressCallback& progress) {
  return options.family == "residual" ? TrainResidual(pairs, options, progress)
                                      : TrainPaperMlp(pairs, options, progress);
}

TransformTrainOptions Options(const std::string& family) {
  TransformTrainOptions options;
  options.family = family;
  options.max_epochs = 40;
  options.batch_size = 32;
  return options;
}

CardEntry Measure(const TransformPairs& pairs, const Layers& layers) {
  const Matrix mapped =
      Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), pairs.held_out_z.view());
  return MeasureCard("held-out", pairs.held_out_z.view(), pairs.held_out_target.view(),
                     mapped.view());
}

class NetworkFamilies : public ::testing::TestWithParam<std::string> {};

TEST_P(NetworkFamilies, LearnAMapThatTheyCanExpress) {
  const TransformPairs pairs = SomePairs();
  const Result<FittedTransform> fitted = Train(pairs, Options(GetParam()), {});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_TRUE(fitted->layers.Validate().ok());
  EXPECT_GT(Measure(pairs, fitted->layers).r2, 0.6);
  EXPECT_NE(fitted->notes.find("epochs="), std::string::npos);
}

TEST_P(NetworkFamilies, GiveTheSameWeightsEveryTime) {
  const TransformPairs pairs = SomePairs();
  TransformTrainOptions options = Options(GetParam());
  options.max_epochs = 3;
  const Layers first = Train(pairs, options, {}).value().layers;
  EXPECT_EQ(first, Train(pairs, options, {}).value().layers);
  options.seed = 1;
  EXPECT_NE(first, Train(pairs, options, {}).value().layers);
}

TEST_P(NetworkFamilies, ReportWhatTheLayersDo) {
  const TransformPairs pairs = SomePairs();
  double best = std::numeric_limits<double>::infinity();
  double r2 = 0;
  const Layers layers = Train(pairs, Options(GetParam()),
                              [&](const TransformProgress& progress) {
                                if (progress.validation_mse < best) {
                                  best = progress.validation_mse;
                                  r2 = progress.r2;
                                }
                                return true;
                              })
                            .value()
                            .layers;
  const CardEntry card = Measure(pairs, layers);
  EXPECT_NEAR(card.mse, best, 1e-4 * card.identity_mse);
  EXPECT_NEAR(card.r2, r2, 1e-4);
}

TEST_P(NetworkFamilies, SayWhenTrainingDiverges) {
  TransformTrainOptions options = Options(GetParam());
  options.learning_rate = 1e30;
  const Result<FittedTransform> fitted = Train(SomePairs(), options, {});
  ASSERT_FALSE(fitted.ok());
  EXPECT_EQ(fitted.status().code(), Code::kInvalidArgument);
  EXPECT_NE(fitted.status().message().find("1e+30"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Families, NetworkFamilies, ::testing::Values("paper_mlp", "residual"),
                         [](const auto& family) { return family.param; });

TEST(TorchTransformTrainer, PaperMlpHasThePapersShape) {
  TransformTrainOptions options = Options("paper_mlp");
  options.max_epochs = 1;
  const Layers layers = Train(SomePairs(), options, {}).value().layers;
  EXPECT_EQ(layers.shapes(), MlpShapes(16));
}

TEST(TorchTransformTrainer, ResidualEndsInReluWhenTheTargetsDo) {
  TransformTrainOptions options = Options("residual");
  options.max_epochs = 1;
  std::vector<LayerShape> shapes = MlpShapes(16, true);
  EXPECT_EQ(Train(SomePairs(true), options, {}).value().layers.shapes(), shapes);
  shapes.back().activation = Activation::kNone;
  EXPECT_EQ(Train(SomePairs(false), options, {}).value().layers.shapes(), shapes);
}

TEST(TorchTransformTrainer, ResidualStartsAtTheIdentity) {
  TransformTrainOptions options = Options("residual");
  options.max_epochs = 1;
  options.learning_rate = 1e-12;
  const TransformPairs pairs = SomePairs();
  const Layers layers = Train(pairs, options, {}).value().layers;
  EXPECT_NEAR(Measure(pairs, layers).r2, 0, 1e-5);
}

TEST(TorchTransformTrainer, StopsAfterEpochsWithoutImprovement) {
  TransformPairs pairs = SomePairs();
  pairs.held_out_target = Copy(pairs.held_out_z.view());  // identity is best: training only harms
  TransformTrainOptions options = Options("residual");
  options.patience = 3;
  std::vector<double> errors;
  const Result<FittedTransform> fitted =
      Train(pairs, options, [&](const TransformProgress& progress) {
        errors.push_back(progress.validation_mse);
        return true;
      });
  ASSERT_TRUE(fitted.ok());
  EXPECT_EQ(errors.size(), 4u) << "epoch 0 and three more";
  EXPECT_NEAR(Measure(pairs, fitted->layers).mse, 0, 1e-6) << "no worse than where it began";
  EXPECT_EQ(fitted->notes.rfind("epochs=0", 0), 0u) << fitted->notes;
}

TEST(TorchTransformTrainer, StopsWhenTheCallerSaysSoAndKeepsTheBest) {
  const TransformPairs pairs = SomePairs();
  uint32_t epochs = 0;
  const Result<FittedTransform> fitted =
      Train(pairs, Options("residual"), [&](const TransformProgress& progress) {
        epochs = progress.epoch;
        return progress.epoch < 2;
      });
  ASSERT_TRUE(fitted.ok());
  EXPECT_EQ(epochs, 2u);
  EXPECT_GT(Measure(pairs, fitted->layers).r2, 0);
}

TEST(TorchTransformTrainer, LearnsAtAnyScaleOfTheEmbeddings) {
  TransformPairs pairs = SomePairs();
  for (Matrix* matrix :
       {&pairs.train_z, &pairs.train_target, &pairs.held_out_z, &pairs.held_out_target}) {
    for (size_t i = 0; i < matrix->rows() * matrix->cols(); ++i) matrix->data()[i] *= 1e-4F;
  }
  for (const char* family : {"paper_mlp", "residual"}) {
    const Layers layers = Train(pairs, Options(family), {}).value().layers;
    EXPECT_GT(Measure(pairs, layers).r2, 0.6) << family;
  }
}

TEST(TorchTransformTrainer, LeavesTheCallersThreadsAlone) {
  const int before = ComputeThreads();
  SetComputeThreads(1);
  TransformTrainOptions options = Options("paper_mlp");
  options.max_epochs = 1;
  EXPECT_TRUE(Train(SomePairs(), options, {}).ok());
  EXPECT_EQ(ComputeThreads(), 1);
  SetComputeThreads(before);
}

}  // namespace
}  // namespace augstore
