#include "tools/transform/transform_training.h"

#include <gtest/gtest.h>

#include "tools/cli/command.h"

namespace augstore {
namespace {

std::string Shown(bool enabled, const std::vector<TransformProgress>& states) {
  testing::internal::CaptureStderr();
  {
    TrainingProgress progress(enabled);
    for (const TransformProgress& state : states) EXPECT_TRUE(progress.Update(state));
  }
  return testing::internal::GetCapturedStderr();
}

TEST(TrainingProgress, PrintsALineForEachFamilyThatIsDone) {
  CardCandidate shift;
  shift.family = "shift";
  shift.r2 = 0.25;
  shift.r2_low = 0.2;
  shift.r2_high = 0.3;
  shift.train_seconds = 1.5;
  const TransformProgress done{"shift", 0, 0, 0, 0.25, &shift};
  EXPECT_EQ(Shown(true, {done}), "shift      G  0.2500 [0.2000, 0.3000]  1.5 s\n");
  EXPECT_EQ(Shown(false, {done}), "");
}

TEST(CheckTransform, MeasuresWithAnInterval) {
  Pairs pairs;
  pairs.z = Matrix(50, 2);
  pairs.z_target = Matrix(50, 2);
  for (size_t i = 0; i < 100; ++i) {
    pairs.z.data()[i] = static_cast<float>(i);
    pairs.z_target.data()[i] = static_cast<float>(i) + 1 + static_cast<float>(i % 7) / 10;
  }
  TransformWeights weights;
  weights.layers.layers.push_back(
      {{2, 2, Activation::kNone, false, LayerKind::kDiagonal}, {1, 1}, {1, 1}});
  const Result<CardEntry> entry = CheckTransform("shifted", weights, pairs);
  ASSERT_TRUE(entry.ok()) << entry.status().ToString();
  EXPECT_EQ(entry->data, "shifted");
  EXPECT_EQ(entry->pairs, 50u);
  EXPECT_LT(entry->r2_low, entry->r2);
  EXPECT_GT(entry->r2_high, entry->r2);
  weights.layers.layers[0].bias.pop_back();
  EXPECT_EQ(CheckTransform("shifted", weights, pairs).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
