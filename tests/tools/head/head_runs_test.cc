#include "tools/head/head_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

// Two classes that the sign of column 0 tells apart, in `steps` batches of 8.
class FakeSource : public BatchSource {
 public:
  explicit FakeSource(uint64_t steps, bool labelled = true) : steps_(steps), embeddings_(8, 4) {
    for (size_t i = 0; i < 8; ++i) {
      labels_.push_back(labelled ? static_cast<int32_t>(i % 2) : -1);
      ids_.push_back(i);
      std::ranges::fill(embeddings_.row(i), 0.5f);
      embeddings_.row(i)[0] = i % 2 == 0 ? -1.0f : 1.0f;
    }
  }
  uint64_t steps_per_epoch() const override { return steps_; }
  uint64_t samples_per_epoch() const override { return steps_ * 8; }
  void Seek(uint64_t epoch) override {
    sought.push_back(epoch);
    next_ = 0;
  }
  Result<std::optional<Batch>> Next() override {
    if (fail_at >= 0 && static_cast<int64_t>(next_) == fail_at)
      return Unavailable("the server is gone");
    if (next_ == steps_) return std::optional<Batch>();
    ++next_;
    Batch batch;
    batch.samples = ids_;
    batch.labels = labels_;
    batch.embeddings = embeddings_.view();
    return std::optional<Batch>(batch);
  }

  std::vector<uint64_t> sought;
  int64_t fail_at = -1;

 private:
  uint64_t steps_;
  uint64_t next_ = 0;
  Matrix embeddings_;
  std::vector<int32_t> labels_;
  std::vector<SampleId> ids_;
};

TestSet SmallTest(const std::vector<int32_t>& labels) {
  TestSet test{.name = "test", .embeddings = Matrix(labels.size(), 4), .labels = labels};
  for (size_t i = 0; i < test.labels.size(); ++i) {
    std::ranges::fill(test.embeddings.row(i), 0.5f);
    test.embeddings.row(i)[0] = i % 2 == 0 ? -1.0f : 1.0f;
  }
  return test;
}

std::vector<TestSet> Tests(const std::vector<int32_t>& labels) {
  std::vector<TestSet> tests;
  tests.push_back(SmallTest(labels));
  return tests;
}

HeadRunsOptions Options(uint32_t epochs, size_t heads) {
  HeadRunsOptions options;
  options.trainer = {.arch = "linear", .dim = 4, .classes = 2, .heads = {}};
  for (size_t h = 0; h < heads; ++h) options.trainer.heads.push_back({0.05, 1e-4, h});
  options.epochs = epochs;
  return options;
}

TEST(TrainHeads, LearnsWhatCanBeLearned) {
  FakeSource source(20);
  const auto report = TrainHeads(source, Tests({0, 1, 0, 1}), Options(4, 2), {});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  ASSERT_EQ(report->heads.size(), 2u);
  for (const auto& tests : report->tests) {
    ASSERT_EQ(tests.size(), 1u);
    EXPECT_EQ(tests[0].accuracy, 1.0);
    EXPECT_EQ(tests[0].samples, 4u);
  }
  EXPECT_EQ(report->samples, 4u * 20 * 8);
  EXPECT_EQ(source.sought, (std::vector<uint64_t>{0, 1, 2, 3}));
  EXPECT_GT(report->seconds, 0);
}

TEST(TrainHeads, GivesTheCurveByEpochThenHead) {
  FakeSource source(2);
  std::vector<std::pair<uint32_t, size_t>> seen;
  HeadRunsOptions options = Options(3, 2);
  options.test_every = 2;
  const auto report = TrainHeads(source, Tests({0, 1}), options, [&](const CurvePoint& point) {
    seen.emplace_back(point.epoch, point.head);
  });
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(seen, (std::vector<std::pair<uint32_t, size_t>>{
                      {1, 0}, {1, 1}, {2, 0}, {2, 1}, {3, 0}, {3, 1}}));
  ASSERT_EQ(report->curve.size(), 6u);
  EXPECT_TRUE(report->curve[0].tests.empty());
  EXPECT_EQ(report->curve[2].tests.size(), 1u);
  EXPECT_EQ(report->curve[4].tests.size(), 1u) << "the last epoch is always tested";
  EXPECT_LE(report->curve[0].seconds, report->curve[4].seconds);
}

TEST(TrainHeads, TestsOnlyTheLastEpochWhenAsked) {
  FakeSource source(2);
  HeadRunsOptions options = Options(3, 1);
  options.test_every = 0;
  const auto report = TrainHeads(source, Tests({0, 1}), options, {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->curve[1].tests.empty());
  EXPECT_EQ(report->curve[2].tests.size(), 1u);
}

TEST(TrainHeads, LeavesUnlabelledTestSamplesOut) {
  FakeSource source(20);
  const auto report = TrainHeads(source, Tests({0, -1, 0, 1, -1}), Options(4, 1), {});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->tests[0][0].samples, 3u);
  EXPECT_EQ(report->tests[0][0].accuracy, 1.0);
}

TEST(TrainHeads, RefusesATestSetWithoutLabelsBeforeTraining) {
  FakeSource source(2);
  const auto report = TrainHeads(source, Tests({-1, -1}), Options(1, 1), {});
  EXPECT_EQ(report.status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(source.sought.empty());
}

TEST(TrainHeads, RefusesASourceWithoutLabels) {
  FakeSource source(2, false);
  const auto report = TrainHeads(source, {}, Options(5, 1), {});
  EXPECT_EQ(report.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(source.sought.size(), 1u) << "one epoch shows it";
}

TEST(TrainHeads, RefusesNoEpochsAndNoBatches) {
  FakeSource source(2);
  EXPECT_EQ(TrainHeads(source, {}, Options(0, 1), {}).status().code(), Code::kInvalidArgument);
  FakeSource empty(0);
  EXPECT_EQ(TrainHeads(empty, {}, Options(1, 1), {}).status().code(), Code::kInvalidArgument);
}

TEST(TrainHeads, HandsOnTheErrorOfTheSource) {
  FakeSource source(3);
  source.fail_at = 1;
  const auto report = TrainHeads(source, {}, Options(1, 1), {});
  EXPECT_EQ(report.status().code(), Code::kUnavailable);
  EXPECT_EQ(report.status().message(), "the server is gone");
}

TEST(TrainHeads, CombinesTheMetricsOfALargeTestSetBySamples) {
  FakeSource source(20);
  std::vector<int32_t> labels(2500);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i % 2);
  for (size_t i = 0; i < 250; ++i) labels[i] = 1 - labels[i];  // wrong on purpose
  const auto report = TrainHeads(source, Tests(labels), Options(4, 1), {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->tests[0][0].samples, 2500u);
  EXPECT_NEAR(report->tests[0][0].accuracy, 0.9, 1e-9);
}

TEST(StreamSource, GivesEveryBatchOfEveryEpoch) {
  TempDir dir;
  ASSERT_TRUE(MakeBlobs(dir.path(), "blobs").ok());
  const auto database = Database::Open({.store = dir.path(), .connect = {}});
  ASSERT_TRUE(database.ok());
  StreamSpec spec;
  spec.collection = "blobs";
  spec.split = "train";
  spec.batch_size = 100;
  auto stream = (*database)->client().OpenStream(spec);
  ASSERT_TRUE(stream.ok()) << stream.status().ToString();
  const auto source = StreamSource(std::move(*stream));
  EXPECT_EQ(source->steps_per_epoch(), 3u);
  EXPECT_EQ(source->samples_per_epoch(), 240u);
  for (uint64_t epoch : {0, 1, 0}) {
    source->Seek(epoch);
    size_t rows = 0;
    while (true) {
      const auto batch = source->Next();
      ASSERT_TRUE(batch.ok()) << batch.status().ToString();
      if (!batch->has_value()) break;
      rows += (*batch)->size();
    }
    EXPECT_EQ(rows, 240u);
  }
}

TEST(HeadGrid, IsTheProductWithSeedsInnermost) {
  const auto grid = HeadGrid({1e-3, 1e-2}, {0, 1e-4}, {5, 6}, 0);
  ASSERT_TRUE(grid.ok());
  ASSERT_EQ(grid->size(), 8u);
  EXPECT_EQ((*grid)[1].seed, 6u);
  EXPECT_EQ((*grid)[1].weight_decay, 0);
  EXPECT_EQ((*grid)[2].weight_decay, 1e-4);
  EXPECT_EQ((*grid)[3].learning_rate, 1e-3);
  EXPECT_EQ((*grid)[4].learning_rate, 1e-2);
}

TEST(HeadGrid, RepeatsOneCombinationWithFollowingSeeds) {
  const auto grid = HeadGrid({1e-3}, {0}, {7}, 3);
  ASSERT_TRUE(grid.ok());
  ASSERT_EQ(grid->size(), 3u);
  EXPECT_EQ((*grid)[0].seed, 7u);
  EXPECT_EQ((*grid)[2].seed, 9u);
}

TEST(HeadGrid, AcceptsACountThatAgreesAndNamesBothThatDoNot) {
  EXPECT_TRUE(HeadGrid({1e-3, 1e-2}, {0}, {0}, 2).ok());
  const auto differs = HeadGrid({1e-3, 1e-2}, {0}, {0}, 3);
  ASSERT_FALSE(differs.ok());
  EXPECT_EQ(differs.status().code(), Code::kInvalidArgument);
  EXPECT_NE(differs.status().message().find("--heads 3"), std::string::npos);
  EXPECT_NE(differs.status().message().find("2 combinations"), std::string::npos);
}

TEST(HeadGrid, RefusesValuesOutOfRange) {
  EXPECT_FALSE(HeadGrid({0}, {0}, {0}, 0).ok());
  EXPECT_FALSE(HeadGrid({-1}, {0}, {0}, 0).ok());
  EXPECT_FALSE(HeadGrid({std::numeric_limits<double>::quiet_NaN()}, {0}, {0}, 0).ok());
  EXPECT_FALSE(HeadGrid({1e-3}, {-1e-4}, {0}, 0).ok());
  EXPECT_FALSE(HeadGrid({1e-3}, {std::numeric_limits<double>::infinity()}, {0}, 0).ok());
}

TEST(HeadGrid, RefusesMoreHeadsThanOnePassTakes) {
  EXPECT_TRUE(HeadGrid({1e-3}, {0}, {0}, 1024).ok());
  EXPECT_EQ(HeadGrid({1e-3}, {0}, {0}, 1025).status().code(), Code::kInvalidArgument);
  const std::vector<double> many(33, 1e-3);
  EXPECT_EQ(HeadGrid(many, many, {0}, 0).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
