#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"
#include "tools/head/head_report.h"

namespace augstore {
namespace {

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
