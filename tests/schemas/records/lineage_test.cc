#include "schemas/records/lineage.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

HeadLineage MakeLineage() {
  HeadLineage lineage;
  lineage.stream.collection = "digits@2";
  lineage.stream.policy = "identity:1,hflip@3:1,hflip@3>geo@2[rotate(10)]~:2";
  lineage.init = "base@1";
  return lineage;
}

TEST(Lineage, NamesEachTransformOfAPolicyOnce) {
  EXPECT_EQ(TransformsOf(MakeLineage().stream.policy),
            (std::vector<std::string>{"hflip@3", "geo@2"}));
  EXPECT_TRUE(TransformsOf("identity:1").empty());
  EXPECT_TRUE(TransformsOf("no policy @@").empty());
}

TEST(Lineage, SaysWhatAHeadHasOfARecord) {
  const HeadLineage lineage = MakeLineage();
  EXPECT_EQ(UseOf(lineage, RecordKind::kCollection, "digits@2"), "was trained on digits@2");
  EXPECT_EQ(UseOf(lineage, RecordKind::kTransform, "geo@2"), "was trained with geo@2");
  EXPECT_EQ(UseOf(lineage, RecordKind::kHead, "base@1"), "was trained from base@1");
  EXPECT_EQ(UseOf(lineage, RecordKind::kCollection, "digits@1"), "");
  EXPECT_EQ(UseOf(lineage, RecordKind::kTransform, "geo@1"), "");
  EXPECT_EQ(UseOf(lineage, RecordKind::kHead, "digits@2"), "");
}

}  // namespace
}  // namespace augstore
