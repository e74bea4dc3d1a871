#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"
#include "tools/head/cmd_head.h"
#include "tools/head/cmd_head_train.h"

namespace augstore {
namespace {

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

TrainedHeads Trained(std::vector<HeadMetrics> metrics, std::vector<double> train_loss) {
  TrainedHeads trained;
  trained.report.heads.resize(train_loss.size());
  trained.report.train_loss = std::move(train_loss);
  for (const HeadMetrics& one : metrics) trained.report.tests.push_back({one});
  if (!metrics.empty()) trained.tests.push_back({.name = "test", .embeddings = {}, .labels = {}});
  return trained;
}

TEST(BestHead, GoesByAccuracyThenByTestLoss) {
  EXPECT_EQ(BestHead(Trained({{0.5, 0.8, 10}, {0.9, 0.9, 10}}, {0.1, 0.2})), 1u);
  EXPECT_EQ(BestHead(Trained({{0.5, 0.8, 10}, {0.4, 0.8, 10}, {0.4, 0.8, 10}}, {0.1, 0.2, 0.3})),
            1u);
}

TEST(BestHead, GoesByTrainingLossWithoutATest) {
  EXPECT_EQ(BestHead(Trained({}, {0.3, 0.1, 0.2})), 1u);
}

TEST(MetricsFile, WritesOneObjectPerLine) {
  TempDir dir;
  MetricsFile file;
  ASSERT_TRUE(file.Open(dir.path() + "/runs/1").ok());
  CurvePoint point{.epoch = 1, .head = 2, .train_loss = 0.5, .tests = {}, .seconds = 3};
  file.Add(point, {1e-3, 1e-4, 7});
  point.tests = {{0.25, 0.75, 10}};
  file.Add(point, {1e-3, 1e-4, 7});
  ASSERT_TRUE(file.Check().ok());
  std::ifstream in(dir.path() + "/runs/1/metrics.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(
      line,
      R"({"head":2,"epoch":1,"train_loss":0.5,"test_accuracy":null,"test_loss":null,"seconds":3.0,)"
      R"("lr":0.001,"weight_decay":0.0001,"seed":7})");
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(Json::parse(line)["test_accuracy"], 0.75);
  EXPECT_FALSE(std::getline(in, line));
}

TEST(MetricsFile, DoesNothingBeforeItIsOpened) {
  MetricsFile file;
  file.Add({}, {});
  EXPECT_TRUE(file.Check().ok());
}

TEST(MetricsFile, NamesAFolderThatCannotBeMade) {
  TempDir dir;
  const std::string blocker = dir.Write("file", "x");
  MetricsFile file;
  const Status status = file.Open(blocker + "/runs");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("file/runs"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace augstore
