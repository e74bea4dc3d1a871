#include "engine/images/op_pattern.h"

#include <gtest/gtest.h>

#include <set>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

std::vector<double> Drawn(const OpPattern& pattern, const DrawKey& key, size_t step = 0) {
  std::vector<double> parameters(pattern.parameters());
  pattern.Draw(key, step, parameters);
  return parameters;
}

TEST(OpPattern, ReadsOpsRangesAndNumbers) {
  const auto pattern = OpPattern::Parse("hflip>rotate(-15..15)>translate(2,-1..1)");
  ASSERT_TRUE(pattern.ok()) << pattern.status().ToString();
  ASSERT_EQ(pattern->terms().size(), 3u);
  EXPECT_EQ(pattern->parameters(), 3u);
  EXPECT_FALSE(pattern->fixed());
  EXPECT_EQ(pattern->ToString(), "hflip>rotate(-15..15)>translate(2,-1..1)");
  EXPECT_EQ(OpPattern::Parse("rotate(15..15)")->ToString(), "rotate(15)");
  EXPECT_TRUE(OpPattern::Parse("rotate(-0)")->fixed());
}

TEST(OpPattern, RefusesWhatNoOpCanBe) {
  for (const char* text : {"", "nosuch", "rotate", "rotate(", "rotate(15", "rotate()", "rotate(a)",
                           "rotate(15..-15)", "rotate(1..2..3)", "rotate(nan)", "rotate(0..999)",
                           "brightness(-1..1)", "hflip(1)", "hflip>", ">hflip", "rotate(1,2)"}) {
    EXPECT_EQ(OpPattern::Parse(text).status().code(), Code::kInvalidArgument) << text;
  }
  std::string endless = "hflip";
  for (uint32_t i = 0; i < kMaxChainLength; ++i) endless += ">hflip";
  EXPECT_EQ(OpPattern::Parse(endless).status().code(), Code::kInvalidArgument);
}

TEST(OpPattern, DrawsFromKeySampleAndPlaceAlone) {
  const OpPattern pattern = OpPattern::Parse("rotate(-15..15)>brightness(0.5..1)").value();
  const std::vector<double> drawn = Drawn(pattern, {1, 2, 3});
  EXPECT_EQ(Drawn(pattern, {1, 2, 3}), drawn);
  EXPECT_NE(Drawn(pattern, {2, 2, 3}), drawn);
  EXPECT_NE(Drawn(pattern, {1, 3, 3}), drawn);
  EXPECT_NE(Drawn(pattern, {1, 2, 4}), drawn);
  EXPECT_NE(Drawn(pattern, {1, 2, 3}, 1), drawn);
  double least = 15;
  double most = -15;
  double sum = 0;
  for (uint64_t sample = 0; sample < 4000; ++sample) {
    const double angle = Drawn(pattern, {1, 2, sample})[0];
    least = std::min(least, angle);
    most = std::max(most, angle);
    sum += angle;
  }
  EXPECT_GE(least, -15);
  EXPECT_LE(most, 15);
  EXPECT_LT(least, -14.8);
  EXPECT_GT(most, 14.8);
  EXPECT_NEAR(sum / 4000, 0, 0.6);
}

TEST(OpFamily, KnowsOpsByTheirFeatures) {
  const OpFamily family =
      OpFamily::Parse("hflip,rotate(-10..30),translate(-2..2,0..4),brightness(0.5..2)", 2).value();
  ASSERT_EQ(family.features(), 1u + 3 + 5 + 2);
  const auto features = [&](const char* text, size_t first) {
    const OpPattern pattern = OpPattern::Parse(text).value();
    const OpTerm& op = pattern.terms()[0];
    EXPECT_EQ(family.FirstFeature(op), first) << text;
    std::vector<float> values(family.FeatureCount(op), 9);
    family.Features(op, Drawn(pattern, {}), values);
    return values;
  };
  EXPECT_EQ(features("hflip", 0), (std::vector<float>{1}));
  EXPECT_EQ(features("rotate(15)", 1), (std::vector<float>{1, 0, 0.5}));
  EXPECT_EQ(features("rotate(-10)", 1), (std::vector<float>{1, -10.0f / 30, 0}));
  EXPECT_EQ(features("translate(-1,2)", 4), (std::vector<float>{1, -0.5, 0, 0, 0.5}));
  EXPECT_EQ(features("brightness(0.5)", 9), (std::vector<float>{-0.5, 0}));
  EXPECT_EQ(features("brightness(1)", 9), (std::vector<float>{0, 0}));
}

TEST(OpFamily, RefusesWhatItWasNotTrainedFor) {
  const OpFamily family = OpFamily::Parse("hflip,rotate(-15..15)", 2).value();
  const auto refusal = [&](const char* text) {
    return family.Check(OpPattern::Parse(text).value()).message();
  };
  EXPECT_EQ(refusal("hflip>rotate(-15..15)"), "");
  EXPECT_NE(refusal("vflip").find("none of the ops"), std::string::npos);
  EXPECT_NE(refusal("rotate(-16..0)").find("outside"), std::string::npos);
  EXPECT_NE(refusal("hflip>hflip>hflip").find("asks for 3 ops"), std::string::npos);
  EXPECT_FALSE(OpFamily::Parse("hflip,hflip", 1).ok());
  EXPECT_FALSE(OpFamily::Parse("hflip", 0).ok());
  EXPECT_FALSE(OpFamily::Parse("", 1).ok());
}

}  // namespace
}  // namespace augstore
