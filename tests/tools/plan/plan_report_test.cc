#include "tools/plan/plan_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

// A plan that recommends two views, for images in a folder with a blank in its name.
class PlanReportTest : public testing::Test {
 protected:
  PlanReportTest() {
    flags_.images = "my photos";
    flags_.collection = "photos";
    flags_.backbone.file = "b.pt";
    flags_.law = "rotate(-30..30)";
    flags_.common = {.store = "db", .connect = ""};
    result_.all_images = 1000;
    result_.images_per_second = 10;
    const std::string views = "identity,view(rotate(-30..30))";
    Add({"none", "identity", 0, 100, 0, 0}, 0.5, 0);
    Add({"2 random views", views, 2, 300, 0, 0}, 0.59, 0.09);
    Add({"8 random views", views, 8, 900, 0, 0}, 0.6, 0.1);
    result_.choice = {.recommended = 1, .best = 2, .pays = true};
  }
  void Add(PlanWay way, double accuracy, double gain) {
    MeasuredWay measured;
    measured.way = std::move(way);
    measured.learning_rate = 0.001;
    measured.accuracy = {accuracy, 0.01};
    measured.difference = {gain, gain - 0.02, gain + 0.02};
    if (gain > 0) measured.gap = {true, gain / 0.1, gain / 0.1 - 0.1, gain / 0.1 + 0.1};
    result_.ways.push_back(std::move(measured));
  }
  std::string Text() const { return PlanText(flags_, result_); }
  bool Says(const std::string& text) const { return Text().find(text) != std::string::npos; }

  PlanFlags flags_;
  PlanResult result_;
};

TEST_F(PlanReportTest, PrintsCommandsThatAShellReadsBack) {
  const std::string data = " --store db --collection photos --images 'my photos' --backbone b.pt";
  EXPECT_TRUE(Says("\n  augstore ingest" + data + "\n")) << Text();
  EXPECT_TRUE(
      Says("\n  augstore view add" + data + " --law 'rotate(-30..30)' --random 2 --seed 0\n"))
      << Text();
  EXPECT_TRUE(
      Says("\n  augstore head train --store db --collection photos --policy "
           "'identity,view(rotate(-30..30))' --arch 'mlp(1024,128)' --lr 0.001 "
           "--weight-decay 0.0001 --batch-size 64\n"))
      << Text();
}

TEST_F(PlanReportTest, NamesTheDatabaseAndTheSplitAsTheUserDid) {
  flags_.common = {.store = "", .connect = "tcp://h:1", .key_file = "w.key"};
  flags_.split = "extra";
  EXPECT_TRUE(Says("view add --connect tcp://h:1 --key-file w.key")) << Text();
  EXPECT_TRUE(Says("--split extra --law")) << Text();
  EXPECT_TRUE(Says("--collection photos --split extra --policy")) << Text();
  flags_.common = {.store = "", .connect = ""};  // the environment says where
  EXPECT_TRUE(Says("  augstore ingest --collection photos")) << Text();
}

TEST_F(PlanReportTest, LeavesOutWhatTheCollectionHas) {
  result_.target = {.exists = true, .dtype = Dtype::kF32, .views = 4};
  EXPECT_FALSE(Says("augstore ingest")) << Text();
  EXPECT_FALSE(Says("view add")) << Text();
  EXPECT_TRUE(Says("augstore head train")) << Text();
}

TEST_F(PlanReportTest, SaysWhyAWayIsRecommended) {
  EXPECT_TRUE(
      Says("recommended: 2 random views (+9.0 [+7.0, +11.0] points), the cheapest that "
           "gains 90 % of what 8 random views gains (+10.0 [+8.0, +12.0])"))
      << Text();
  result_.choice = {.recommended = 0, .best = 2, .pays = false};
  EXPECT_TRUE(
      Says("recommended: no augmentation; the best way within the limits, 8 random views, "
           "is not better beyond what chance explains"))
      << Text();
  result_.choice = {};
  EXPECT_TRUE(Says("no way within the limits has heads that are better on average")) << Text();
}

TEST_F(PlanReportTest, SaysWhatEachWayTakes) {
  const Json json = PlanJson(flags_, result_);
  EXPECT_EQ(json["ways"][1]["phi_calls"], 3);
  EXPECT_EQ(json["ways"][1]["phi_seconds"], 300.0);
  EXPECT_EQ(json["ways"][1]["bytes"], 300);
  EXPECT_TRUE(json["ways"][0]["gap"].is_null());
  EXPECT_NEAR(json["ways"][1]["gap"]["closed"].get<double>(), 0.9, 1e-9);
  EXPECT_EQ(json["commands"].size(), 3u);
  EXPECT_NE(PlanPlot(flags_, result_).find("2 random views (3 Φ, 300 B)"), std::string::npos);
}

}  // namespace
}  // namespace augstore
