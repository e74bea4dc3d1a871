#include "engine/transform_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/card.h"
#include "engine/counter_rng.h"
#include "tests/engine/transform_pairs.h"

namespace augstore {
namespace {

Result<TrainedTransform> Train(const TestPairs& pairs, const TransformTrainOptions& options) {
  return TrainTransform(pairs.z.view(), pairs.z_target.view(), options, {});
}

Status TrainStatus(const TransformTrainOptions& options, size_t pairs = 60) {
  return Train(TestPairs(pairs), options).status();
}

void ExpectRefused(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_NE(status.message().find(part), std::string::npos) << status.ToString();
}

class TransformFamilies : public ::testing::TestWithParam<std::string> {};

TEST_P(TransformFamilies, GiveValidLayersAndACard) {
  TransformTrainOptions options;
  options.family = GetParam();
  options.seed = 9;
  options.batch_size = 32;
  const Result<TrainedTransform> trained = Train(TestPairs(400), options);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_TRUE(trained->layers.Validate().ok());
  EXPECT_EQ(trained->layers.dim_in(), 16u);
  EXPECT_EQ(trained->layers.dim_out(), 16u);
  const Card& card = trained->card;
  ASSERT_EQ(card.entries.size(), 1u);
  EXPECT_EQ(card.entries[0].data, "held-out");
  EXPECT_EQ(card.entries[0].pairs + card.train_pairs, 400u);
  EXPECT_NEAR(static_cast<double>(card.entries[0].pairs), 40, 20);
  EXPECT_GT(card.entries[0].explained, 0.5);
  EXPECT_EQ(card.seed, 9u);
  EXPECT_GT(card.train_seconds, 0);
  EXPECT_EQ(card.multiply_adds, trained->layers.MultiplyAdds());
  EXPECT_FALSE(card.notes.empty());
}

TEST_P(TransformFamilies, RefuseNanAndInfinity) {
  TransformTrainOptions options;
  options.family = GetParam();
  TestPairs pairs(60);
  pairs.z.row(31)[4] = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused(Train(pairs, options).status(), "pair 31 has nan at dimension 4 of z:");
  pairs.z.row(31)[4] = 0;
  pairs.z_target.row(59)[0] = std::numeric_limits<float>::infinity();
  ExpectRefused(Train(pairs, options).status(), "pair 59 has inf at dimension 0 of z':");
}

TEST_P(TransformFamilies, WorkOnTheFewestPairs) {
  TransformTrainOptions options;
  options.family = GetParam();
  for (const double fraction : {0.001, 0.9}) {
    options.validation_fraction = fraction;
    const Result<TrainedTransform> trained = Train(TestPairs(20), options);
    ASSERT_TRUE(trained.ok()) << trained.status().ToString();
    EXPECT_GE(trained->card.entries[0].pairs, 1u);
    EXPECT_GE(trained->card.train_pairs, 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, TransformFamilies,
                         ::testing::Values("mlp", "residual", "affine"),
                         [](const auto& family) { return family.param; });

TEST(TransformTrainer, RefusesWhatItCannotDo) {
  TransformTrainOptions options;
  ExpectRefused(TrainStatus(options, 19), "19 pairs");
  options.family = "quadratic";
  ExpectRefused(TrainStatus(options), "'quadratic' does not exist: give mlp, residual or affine");
  options = {};
  options.validation_fraction = 0;
  ExpectRefused(TrainStatus(options), "validation fraction 0");
  options.validation_fraction = std::nan("");
  ExpectRefused(TrainStatus(options), "validation fraction nan");
  options = {};
  options.max_epochs = 0;
  ExpectRefused(TrainStatus(options), "0 epochs");
  options = {};
  options.batch_size = 0;
  ExpectRefused(TrainStatus(options), "batches of 0");
  options = {};
  options.learning_rate = -1;
  ExpectRefused(TrainStatus(options), "learning rate -1");
  options = {};
  options.weight_decay = std::numeric_limits<double>::infinity();
  ExpectRefused(TrainStatus(options), "weight decay inf");
}

TEST(TransformTrainer, HoldsOutTheSamePairsForEveryFamily) {
  TransformTrainOptions options;
  options.seed = 4;
  options.max_epochs = 1;
  const TestPairs pairs(200);
  uint64_t held_out = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    held_out += PhiloxUniform(4, RngUse::kSplit, 0, i) < options.validation_fraction ? 1 : 0;
  }
  double identity_mse = -1;
  for (const char* family : {"mlp", "residual", "affine"}) {
    options.family = family;
    const CardEntry entry = Train(pairs, options).value().card.entries[0];
    EXPECT_EQ(entry.pairs, held_out) << family;
    if (identity_mse < 0) identity_mse = entry.identity_mse;
    EXPECT_EQ(entry.identity_mse, identity_mse) << family;
  }
}

TEST(TransformTrainer, EndsAffineInReluOnlyWhenNoTargetIsNegative) {
  TestPairs pairs(60);
  TransformTrainOptions options;
  EXPECT_EQ(Train(pairs, options).value().layers.layers.back().shape.activation, Activation::kRelu);
  pairs.z_target.row(3)[2] = -0.5F;
  EXPECT_EQ(Train(pairs, options).value().layers.layers.back().shape.activation, Activation::kNone);
}

TEST(TransformTrainer, NotesThePenaltyOfTheAffineFit) {
  const std::string notes = Train(TestPairs(60), {}).value().card.notes;
  EXPECT_EQ(notes.rfind("lambda=", 0), 0u) << notes;
}

}  // namespace
}  // namespace augstore
