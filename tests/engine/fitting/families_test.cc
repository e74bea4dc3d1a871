#include "engine/fitting/families.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace augstore {
namespace {

TEST(Families, HaveANameOfTheirOwnAndAFitFunction) {
  std::set<std::string_view> names;
  for (const Family& family : TransformFamilies()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_EQ(FindFamily(family.name), &family);
    EXPECT_FALSE(family.formula.empty()) << family.name;
    EXPECT_FALSE(family.cost.empty()) << family.name;
    EXPECT_NE(family.fit, nullptr) << family.name;
  }
  EXPECT_EQ(FindFamily(kAutoFamily), nullptr);
}

TEST(Families, ComeInTheOrderInWhichTheyAreFitted) {
  bool trained = false;
  bool with_last_blocks = false;
  for (const Family& family : TransformFamilies()) {
    EXPECT_FALSE(trained && family.closed_form) << family.name << " is after a trained family";
    EXPECT_FALSE(with_last_blocks) << family.name << " is after one that is fitted alone";
    trained = trained || !family.closed_form;
    with_last_blocks = with_last_blocks || family.needs_last_blocks;
    EXPECT_TRUE(!family.needs_last_blocks || family.reads_feature_maps) << family.name;
  }
}

TEST(Families, SayWhatTheyReadByName) {
  EXPECT_TRUE(FamilyReadsFeatureMaps("pooled"));
  EXPECT_FALSE(FamilyNeedsLastBlocks("pooled"));
  EXPECT_TRUE(FamilyNeedsLastBlocks("last_blocks"));
  EXPECT_FALSE(FamilyReadsFeatureMaps("affine"));
  EXPECT_FALSE(FamilyReadsFeatureMaps("auto"));
  EXPECT_FALSE(FamilyNeedsLastBlocks("no such family"));
}

TEST(Families, AreListedByWhatTheyAre) {
  EXPECT_EQ(FamilyNames([](const Family& family) { return family.reads_feature_maps; }),
            "pooled, last_blocks");
  EXPECT_EQ(FamilyNames([](const Family& family) { return !family.closed_form; }),
            "residual, refined, paper_mlp, last_blocks");
}

}  // namespace
}  // namespace augstore
