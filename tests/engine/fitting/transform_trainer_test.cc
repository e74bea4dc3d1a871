#include "engine/fitting/transform_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "engine/fitting/families.h"
#include "engine/math/compute_threads.h"
#include "engine/math/counter_rng.h"
#include "engine/math/unit_length.h"
#include "engine/transforms/card.h"
#include "engine/transforms/holdout.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "tests/engine/fitting/transform_pairs.h"

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

class EveryFamily : public ::testing::TestWithParam<std::string> {};

// What the cheaper families reach on a map that only the dearer ones can express.
double MinR2(const std::string& family) {
  if (family == "identity") return 0;
  if (family == "shift" || family == "diagonal" || family == "procrustes") return 0.1;
  return family == "lowrank" ? 0.3 : 0.5;
}

TEST_P(EveryFamily, GiveValidLayersAndACard) {
  TransformTrainOptions options;
  options.family = GetParam();
  options.seed = 9;
  options.batch_size = 32;
  const Result<TrainedTransform> trained = Train(TestPairs(400), options);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  const Layers& layers = trained->weights.layers;
  EXPECT_TRUE(trained->weights.Validate().ok());
  EXPECT_EQ(layers.dim_in(), 16u);
  EXPECT_EQ(layers.dim_out(), 16u);
  EXPECT_EQ(trained->family, GetParam());
  const Card& card = trained->card;
  ASSERT_EQ(card.entries.size(), 1u);
  EXPECT_EQ(card.entries[0].data, "held-out");
  EXPECT_EQ(card.entries[0].pairs + card.train_pairs, 400u);
  EXPECT_NEAR(static_cast<double>(card.entries[0].pairs), 40, 20);
  EXPECT_GE(card.entries[0].r2, MinR2(GetParam()));
  EXPECT_LE(card.entries[0].r2_low, card.entries[0].r2);
  EXPECT_GE(card.entries[0].r2_high, card.entries[0].r2);
  EXPECT_TRUE(card.candidates.empty());
  EXPECT_EQ(card.seed, 9u);
  EXPECT_GT(card.train_seconds, 0);
  EXPECT_EQ(card.multiply_adds, layers.MultiplyAdds());
}

TEST_P(EveryFamily, GiveOutputsLengthOneWhereTheirTargetsHaveIt) {
  TestPairs pairs(400, 13);
  for (size_t i = 0; i < 400; ++i) {
    for (float& value : pairs.z.row(i)) value -= 1;  // of both signs
    std::copy_n(pairs.z.row(i).data(), 13, pairs.z_target.row(i).data());
    for (size_t c = 0; c < 13; ++c) pairs.z_target.row(i)[c] += 0.3F * pairs.z.row(i)[(c + 1) % 13];
    ScaleToUnitLength(pairs.z.row(i));
    ScaleToUnitLength(pairs.z_target.row(i));
  }
  TransformTrainOptions options;
  options.family = GetParam();
  options.batch_size = 32;
  const Result<TrainedTransform> trained = Train(pairs, options);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_TRUE(trained->weights.normalised);
  Matrix mapped(400, 13);
  ASSERT_TRUE(ApplyTransform(trained->weights, {pairs.z.view()}, mapped.view()).ok());
  EXPECT_TRUE(HaveUnitLength(mapped.view()));
  // The first three cannot mix dimensions, and nothing else happens here.
  const std::set<std::string> helpless = {"identity", "shift", "diagonal"};
  EXPECT_GE(trained->card.entries[0].r2, helpless.contains(GetParam()) ? -0.05 : 0.1);
}

TEST_P(EveryFamily, RefuseNanAndInfinity) {
  TransformTrainOptions options;
  options.family = GetParam();
  TestPairs pairs(60);
  pairs.z.row(31)[4] = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused(Train(pairs, options).status(), "row 31 of z has nan at dimension 4:");
  pairs.z.row(31)[4] = 0;
  pairs.z_target.row(59)[0] = std::numeric_limits<float>::infinity();
  ExpectRefused(Train(pairs, options).status(), "row 59 of z' has inf at dimension 0:");
}

TEST_P(EveryFamily, WorkOnTheFewestPairs) {
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

INSTANTIATE_TEST_SUITE_P(Families, EveryFamily,
                         ::testing::Values("identity", "shift", "diagonal", "lowrank", "procrustes",
                                           "affine", "residual", "refined", "paper_mlp"),
                         [](const auto& family) { return family.param; });

TEST(TransformTrainer, RefusesWhatItCannotDo) {
  TransformTrainOptions options;
  ExpectRefused(TrainStatus(options, 19), "19 pairs");
  options.views = 2;
  ExpectRefused(TrainStatus(options, 38), "38 pairs cannot be 2 views");
  ExpectRefused(TrainStatus(options, 41), "41 pairs");
  options = {};
  options.error_bank = kMaxErrorBankRows + 1;
  ExpectRefused(TrainStatus(options), "an error bank of");
  options.family = "quadratic";
  ExpectRefused(TrainStatus(options), "'quadratic' does not exist: give identity, shift, ");
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
  for (const char* family : {"identity", "paper_mlp", "residual", "refined", "affine"}) {
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
  options.family = "affine";
  EXPECT_EQ(Train(pairs, options).value().weights.layers.layers.back().shape.activation,
            Activation::kRelu);
  pairs.z_target.row(3)[2] = -0.5F;
  EXPECT_EQ(Train(pairs, options).value().weights.layers.layers.back().shape.activation,
            Activation::kNone);
}

TEST(TransformTrainer, NotesThePenaltyOfTheAffineFit) {
  TransformTrainOptions options;
  options.family = "affine";
  const std::string notes = Train(TestPairs(60), options).value().card.notes;
  EXPECT_EQ(notes.rfind("lambda=", 0), 0u) << notes;
}

TransformTrainOptions Auto() {
  TransformTrainOptions options;
  options.max_epochs = 20;
  options.batch_size = 32;
  return options;
}

// The families that pairs allow, with feature maps and with last blocks to start at.
std::vector<std::string> FamiliesOf(bool feature_maps, bool last_blocks) {
  std::vector<std::string> families;
  for (const Family& family : TransformFamilies()) {
    if (family.needs_last_blocks ? last_blocks : feature_maps || !family.reads_feature_maps)
      families.emplace_back(family.name);
  }
  return families;
}

// z' = z + the difference between the upper and the lower half of a map of 4 x 2 x 16.
TEST(TransformTrainer, ReadsFeatureMapsWhereThereAreSome) {
  TestPairs pairs(400);
  const FeatureMapShape shape{4, 2, 16};
  const Matrix feature_maps = RandomMatrix(400, shape.values(), 31);
  for (size_t i = 0; i < 400; ++i) {
    for (size_t v = 0; v < shape.values(); ++v) {
      const float sign = v < shape.values() / 2 ? 1.0F : -1.0F;
      const size_t c = v % 16;
      if (v < 16) pairs.z_target.row(i)[c] = pairs.z.row(i)[c];
      pairs.z_target.row(i)[c] += sign * feature_maps.row(i)[v] / 4;
    }
  }
  TransformTrainOptions options = Auto();
  options.max_epochs = 1;
  const PairFeatureMaps given{feature_maps.view(), shape};
  const auto trained =
      TrainTransform(pairs.z.view(), pairs.z_target.view(), options, nullptr, given);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_EQ(trained->family, "pooled");
  EXPECT_EQ(trained->card.candidates.size(), FamiliesOf(true, false).size());
  EXPECT_GT(trained->card.entries[0].r2, 0.95);
  EXPECT_EQ(trained->weights.front->feature_map, shape);
  EXPECT_TRUE(trained->weights.Validate().ok());
  options.family = "last_blocks";
  ExpectRefused(
      TrainTransform(pairs.z.view(), pairs.z_target.view(), options, nullptr, given).status(),
      "last blocks");
  for (const char* family : {"pooled", "last_blocks"}) {
    options.family = family;
    ExpectRefused(TrainStatus(options), "the pairs have none");
  }
}

TEST(TransformTrainer, FitsEveryFamilyByDefault) {
  std::set<std::string> finished;
  const TestPairs pairs(400);
  const Result<TrainedTransform> trained = TrainTransform(
      pairs.z.view(), pairs.z_target.view(), Auto(), [&](const TransformProgress& state) {
        if (state.finished != nullptr) finished.insert(state.finished->family);
        EXPECT_FALSE(state.family.empty());
        return true;
      });
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  const std::vector<CardCandidate>& candidates = trained->card.candidates;
  const std::vector<std::string> families = FamiliesOf(false, false);
  ASSERT_EQ(candidates.size(), families.size());
  const CardEntry& entry = trained->card.entries.front();
  for (size_t i = 0; i < candidates.size(); ++i) {
    EXPECT_EQ(candidates[i].family, families[i]);
    EXPECT_TRUE(finished.contains(candidates[i].family));
    EXPECT_LE(candidates[i].r2_low, candidates[i].r2);
    EXPECT_GE(candidates[i].r2_high, candidates[i].r2);
    EXPECT_GE(candidates[i].train_seconds, 0);
    if (candidates[i].family != trained->family) continue;
    EXPECT_EQ(candidates[i].r2, entry.r2);
    EXPECT_EQ(candidates[i].r2_low, entry.r2_low);
    EXPECT_EQ(candidates[i].mse, entry.mse);
    EXPECT_EQ(candidates[i].multiply_adds, trained->card.multiply_adds);
    EXPECT_EQ(candidates[i].notes, trained->card.notes);
  }
  EXPECT_GT(entry.r2, 0.9);
}

TEST(TransformTrainer, FitsAFamilyAmongOthersAsItFitsItAlone) {
  const int threads = ComputeThreads();
  SetComputeThreads(1);
  const TestPairs pairs(200);
  TransformTrainOptions options = Auto();
  options.max_epochs = 2;
  const Card card = Train(pairs, options).value().card;
  for (const CardCandidate& candidate : card.candidates) {
    options.family = candidate.family;
    const CardEntry alone = Train(pairs, options).value().card.entries.front();
    EXPECT_EQ(candidate.r2, alone.r2) << candidate.family;
    EXPECT_EQ(candidate.r2_high, alone.r2_high) << candidate.family;
  }
  SetComputeThreads(threads);
}

TEST(TransformTrainer, GivesTheSameTransformEveryTime) {
  TransformTrainOptions options = Auto();
  options.max_epochs = 2;
  const TrainedTransform first = Train(TestPairs(200), options).value();
  const TrainedTransform second = Train(TestPairs(200), options).value();
  EXPECT_EQ(first.family, second.family);
  EXPECT_EQ(first.weights.ToSafetensors(), second.weights.ToSafetensors());
}

TEST(TransformTrainer, TakesTheIdentityWhenNothingHelps) {
  TestPairs pairs(300);
  const Matrix noise = RandomMatrix(300, 16, 5);  // z' = z + noise that nothing foretells
  for (size_t i = 0; i < 300 * 16; ++i) {
    pairs.z_target.data()[i] = pairs.z.data()[i] + noise.data()[i];
  }
  TransformTrainOptions options = Auto();
  options.max_epochs = 2;
  const TrainedTransform trained = Train(pairs, options).value();
  EXPECT_EQ(trained.family, "identity");
  EXPECT_EQ(trained.card.entries.front().r2, 0);
  EXPECT_EQ(trained.card.multiply_adds, 16u);
}

TEST(TransformTrainer, TakesTheCheapFamilyWhenItSaysAll) {
  TestPairs pairs(400);
  const Matrix noise = RandomMatrix(400, 16, 5);
  for (size_t i = 0; i < 400 * 16; ++i) {
    pairs.z_target.data()[i] = 1.5F * pairs.z.data()[i] + 1 + 0.1F * noise.data()[i];
  }
  EXPECT_EQ(Train(pairs, Auto()).value().family, "diagonal");
}

TEST(TransformTrainer, LeavesOutAFamilyThatCannotBeFitted) {
  TransformTrainOptions options = Auto();
  options.learning_rate = 1e30;
  const Result<TrainedTransform> trained = Train(TestPairs(200), options);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_EQ(trained->family, "affine");
  EXPECT_EQ(trained->card.candidates.size(), FamiliesOf(false, false).size() - 3);
  EXPECT_NE(trained->card.notes.find("; left out residual: "), std::string::npos)
      << trained->card.notes;
}

TEST(TransformTrainer, StopsBetweenFamiliesWhenTheCallerSaysSo) {
  const TestPairs pairs(100);
  const auto candidates_until = [&](const std::string& last) {
    return TrainTransform(pairs.z.view(), pairs.z_target.view(), Auto(),
                          [&last](const TransformProgress& state) { return state.family != last; })
        .value()
        .card.candidates;
  };
  EXPECT_EQ(candidates_until("shift").size(), 2u);
  EXPECT_GE(candidates_until("residual").size(), 6u);
}

TEST(TransformTrainer, KeepsErrorsOfHeldOutPairs) {
  const TestPairs pairs(400);
  TransformTrainOptions options;
  options.family = "affine";
  for (const uint32_t count : {0u, 7u, 512u}) {
    options.error_bank = count;
    const TrainedTransform trained = Train(pairs, options).value();
    const size_t held_out = trained.card.entries.front().pairs;
    const Matrix& error_bank = trained.weights.error_bank;
    ASSERT_EQ(error_bank.rows(), std::min<size_t>(count, held_out));
    if (count == 0) continue;
    const Matrix mapped =
        Applied(*NewReferenceEngine(), MakeNetwork(trained.weights.layers).value(), pairs.z.view());
    std::vector<size_t> rows;
    const std::vector<bool> is_held_out = HoldoutMask(400, 0, options.validation_fraction);
    for (size_t i = 0; i < 400; ++i) {
      if (is_held_out[i]) rows.push_back(i);
    }
    for (size_t i = 0; i < error_bank.rows(); ++i) {
      const size_t row = rows[i * rows.size() / error_bank.rows()];
      for (size_t j = 0; j < 16; ++j) {
        ASSERT_NEAR(error_bank.row(i)[j], pairs.z_target.row(row)[j] - mapped.row(row)[j], 1e-5);
      }
    }
  }
}

TEST(TransformTrainer, KeepsAllViewsOfAnImageOnOneSideAndJudgesByTheFirst) {
  const TestPairs plain(200);
  TestPairs twice(400);
  for (size_t i = 0; i < 200; ++i) {
    for (size_t j = 0; j < 16; ++j) {
      twice.z.row(i)[j] = twice.z.row(200 + i)[j] = plain.z.row(i)[j];
      twice.z_target.row(i)[j] = twice.z_target.row(200 + i)[j] = plain.z_target.row(i)[j];
    }
  }
  TransformTrainOptions options;
  options.family = "affine";
  const Card once = Train(plain, options).value().card;
  options.views = 2;
  const Card both = Train(twice, options).value().card;
  EXPECT_EQ(both.entries[0].pairs, once.entries[0].pairs);
  EXPECT_EQ(both.entries[0].identity_mse, once.entries[0].identity_mse);
  EXPECT_EQ(both.train_pairs, 2 * once.train_pairs);
  EXPECT_NEAR(both.entries[0].r2, once.entries[0].r2, 1e-4);
}

}  // namespace
}  // namespace augstore
