#include "tools/policy/policy_runs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

std::vector<SampleId> Ids(size_t count) {
  std::vector<SampleId> ids(count);
  for (size_t i = 0; i < count; ++i) ids[i] = i;
  return ids;
}

TEST(IndexHoldout, TakesTheFractionOfEveryClass) {
  std::vector<int32_t> labels(100, 0);
  std::fill_n(labels.begin(), 30, 1);
  std::fill_n(labels.begin(), 10, -1);
  const HoldoutIndex held_out = IndexHoldout(Ids(100), labels, 0.2, 1);
  std::vector<int> counts(2);
  for (const auto& [sample, position] : held_out) {
    ASSERT_GE(labels[sample], 0) << "a sample without a label";
    ASSERT_LT(position, held_out.size());
    ++counts[static_cast<size_t>(labels[sample])];
  }
  EXPECT_EQ(counts, (std::vector<int>{14, 4}));
}

TEST(IndexHoldout, DependsOnTheSeedAlone) {
  const std::vector<int32_t> labels(200, 0);
  EXPECT_EQ(IndexHoldout(Ids(200), labels, 0.3, 4), IndexHoldout(Ids(200), labels, 0.3, 4));
  EXPECT_NE(IndexHoldout(Ids(200), labels, 0.3, 4), IndexHoldout(Ids(200), labels, 0.3, 5));
}

TEST(IndexHoldout, LeavesBothPartsSomethingOfEveryClassThatHasTwo) {
  EXPECT_EQ(IndexHoldout(Ids(4), {0, 0, 1, 1}, 0.01, 1).size(), 2u);
  EXPECT_EQ(IndexHoldout(Ids(4), {0, 0, 1, 1}, 0.9, 1).size(), 2u);
  EXPECT_TRUE(IndexHoldout(Ids(3), {0, 1, 2}, 0.5, 1).empty());
}

class PolicyRunsOnBlobs : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeBlobs(dir_.path(), "blobs").ok());
    auto database = Database::Open({.store = dir_.path(), .connect = {}});
    ASSERT_TRUE(database.ok());
    database_ = std::move(*database);
    options_.spec.collection = "blobs";
    options_.spec.split = "train";
    options_.spec.batch_size = 50;
    options_.trainer.arch = "linear";
    options_.learning_rates = {0.05, 1e-9};
  }
  Result<std::unique_ptr<PolicyRuns>> Open() {
    return PolicyRuns::Open(&database_->client(), options_);
  }

  TempDir dir_;
  std::unique_ptr<Database> database_;
  PolicyRunsOptions options_;
  PolicyCandidate identity_{.policy = "identity"};
};

TEST_F(PolicyRunsOnBlobs, HidesTheLabelsOfHeldOutSamplesFromTraining) {
  auto stream = database_->client().OpenStream(options_.spec);
  ASSERT_TRUE(stream.ok());
  const HoldoutIndex held_out = {{3, 0}, {77, 1}};
  uint64_t told = 0;
  const auto source = WithoutHeldOut(std::move(*stream), &held_out, [&](uint64_t n) { told += n; });
  EXPECT_EQ(source->samples_per_epoch(), 240u);
  EXPECT_EQ(source->steps_per_epoch(), 5u);
  source->Seek(2);
  std::vector<SampleId> hidden;
  while (true) {
    const auto batch = source->Next();
    ASSERT_TRUE(batch.ok());
    if (!batch->has_value()) break;
    for (size_t i = 0; i < (*batch)->size(); ++i) {
      if ((*batch)->labels[i] < 0) hidden.push_back((*batch)->samples[i]);
    }
  }
  std::ranges::sort(hidden);
  EXPECT_EQ(hidden, (std::vector<SampleId>{3, 77}));
  EXPECT_EQ(told, 240u);
}

TEST_F(PolicyRunsOnBlobs, ScoresEverySeedAndLearningRateOnTheHeldOutSamples) {
  auto runs = Open();
  ASSERT_TRUE(runs.ok()) << runs.status().ToString();
  EXPECT_EQ((*runs)->split_samples(), 240u);
  EXPECT_EQ((*runs)->validation_samples(), 48u);
  uint64_t told = 0;
  const PolicyTrainRequest request{&identity_, 0, 7, 2, 4};
  const auto hits = (*runs)->Train(request, [&](uint64_t rows) { told += rows; });
  ASSERT_TRUE(hits.ok()) << hits.status().ToString();
  ASSERT_EQ(hits->size(), 2u);
  EXPECT_EQ(told, 2u * 2 * 4 * 240) << "rows x heads";
  const auto right = [](std::span<const float> row) { return std::ranges::count(row, 1.0f); };
  for (size_t s = 0; s < 2; ++s) {
    EXPECT_EQ(right((*hits)[0].row(s)), 48);
    EXPECT_LT(right((*hits)[1].row(s)), 48) << "hardly trained";
  }
}

TEST_F(PolicyRunsOnBlobs, ValidatesOnAnotherSplitWhenAsked) {
  options_.validation_split = "test";
  const auto runs = Open();
  ASSERT_TRUE(runs.ok()) << runs.status().ToString();
  EXPECT_EQ((*runs)->validation_samples(), 60u);
}

TEST_F(PolicyRunsOnBlobs, RefusesWhatHasNoLabels) {
  options_.validation_split = "unlabelled";
  EXPECT_EQ(Open().status().code(), Code::kFailedPrecondition);
  options_.validation_split = "";
  options_.spec.split = "unlabelled";
  EXPECT_EQ(Open().status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace augstore
