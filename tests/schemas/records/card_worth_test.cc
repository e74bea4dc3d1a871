#include "schemas/records/card_worth.h"

#include <gtest/gtest.h>

#include <vector>

namespace augstore {
namespace {

TransformRecord WithG(double r2, double low) {
  TransformRecord record;
  CardEntry entry;
  entry.data = "held-out";
  entry.r2 = r2;
  entry.r2_low = low;
  entry.r2_high = 0.75;
  record.card.entries = {entry};
  return record;
}

TEST(CheckWorth, AsksForAnIntervalAboveTheLeastG) {
  EXPECT_TRUE(CheckWorth("a@1", WithG(0.5, 0.25).card, 0).ok());
  EXPECT_TRUE(IsProven(WithG(0.5, 0.25).card));
  const Status refused = CheckWorth("a@1", WithG(0.5, 0.25).card, 0.25);
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.message().find("0.5000 with a 95 % interval of 0.2500 to 0.7500"),
            std::string::npos)
      << refused.message();
  EXPECT_NE(CheckWorth("a@1", {}, 0).message().find("a@1 has no card"), std::string::npos);
  EXPECT_FALSE(IsProven({}));
}

TEST(WorthText, HasGWithItsInterval) {
  EXPECT_EQ(WorthText(WithG(0.5, -0.25).card), "G 0.5000 [-0.2500, 0.7500]");
  EXPECT_EQ(WorthText({}), "no card");
}

TEST(BestProven, IsTheGreatestOfTheProvenAndTheLatestOfEqualOnes) {
  struct Version {
    TransformRecord record;
  };
  const std::vector<Version> versions = {
      {WithG(0.5, 0.1)}, {WithG(0.6, 0.2)}, {WithG(0.9, -0.1)}, {WithG(0.6, 0.3)}};
  EXPECT_EQ(BestProven(versions), &versions[3]);
  EXPECT_EQ(BestProven(std::vector<Version>{{WithG(0.9, 0)}}), nullptr);
}

}  // namespace
}  // namespace augstore
