#include "tools/plan/plan_choice.h"

#include <gtest/gtest.h>

#include <random>

namespace augstore {
namespace {

struct Way {
  uint32_t views;
  uint64_t bytes;
  double accuracy;
  double multiply_adds = 0;
};

// Hits of 4 seeds on 500 images: the same images first, so that ways differ sharply.
MeasuredWay Measured(const Way& of) {
  MeasuredWay way;
  way.way = {"", "", of.views, of.bytes, of.multiply_adds};
  way.hits = Matrix(4, 500);
  std::mt19937 random(7);  // fixed: every way has the same noise
  std::uniform_real_distribution<float> noise(-0.02f, 0.02f);
  for (size_t s = 0; s < 4; ++s) {
    for (size_t i = 0; i < 500; ++i) {
      const double place = static_cast<double>(i) / 500 + noise(random);
      way.hits.row(s)[i] = place < of.accuracy ? 1.0f : 0.0f;
    }
  }
  return way;
}

std::vector<MeasuredWay> Compared(const std::vector<Way>& ways) {
  std::vector<MeasuredWay> measured;
  for (const Way& way : ways) measured.push_back(Measured(way));
  CompareWays(&measured);
  return measured;
}
size_t Recommended(const std::vector<Way>& ways, const PlanLimits& limits = {}) {
  return ChooseWay(Compared(ways), limits).recommended;
}

TEST(PlanChoice, TakesTheCheapestOfThoseThatAreNearlyAsGoodAsTheBest) {
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 20, 0.595}, {8, 90, 0.6}}), 1u);
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 20, 0.55}, {8, 90, 0.6}}), 2u);
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 20, 0.55}, {8, 90, 0.6}}, {.share = 0.3}), 1u);
}

TEST(PlanChoice, CountsCallsOfPhiBeforeBytesAndBytesBeforeMultiplyAdds) {
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 20, 0.6}, {0, 10, 0.6, 1e9}}), 2u);
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 20, 0.6, 1e9}, {1, 20, 0.6}}), 2u);
  EXPECT_EQ(Recommended({{0, 10, 0.5}, {1, 30, 0.6}, {1, 20, 0.6}}), 2u);
}

TEST(PlanChoice, RecommendsNothingWhereNothingIsBetterBeyondChance) {
  const std::vector<MeasuredWay> ways = Compared({{0, 10, 0.5}, {1, 20, 0.501}, {8, 90, 0.499}});
  const PlanChoice choice = ChooseWay(ways, {});
  EXPECT_FALSE(choice.pays);
  EXPECT_EQ(choice.recommended, 0u);
  EXPECT_EQ(choice.best, 1u) << "the best is named all the same";
}

TEST(PlanChoice, RecommendsNothingBeyondTheLimits) {
  const std::vector<Way> ways = {{0, 10, 0.5}, {1, 20, 0.55}, {2, 30, 0.6}};
  EXPECT_EQ(Recommended(ways), 2u);
  EXPECT_EQ(Recommended(ways, {.phi_calls = 2}), 1u);
  EXPECT_EQ(Recommended(ways, {.bytes = 29}), 1u);
  EXPECT_EQ(Recommended(ways, {.phi_calls = 1}), 0u);
}

TEST(PlanChoice, RecommendsNoWayThatIsNotBetterBeyondChanceItself) {
  std::vector<MeasuredWay> ways = Compared({{0, 10, 0.5}, {1, 20, 0.55}, {8, 90, 0.6}});
  ways[1].difference.low = -0.01;
  EXPECT_EQ(ChooseWay(ways, {.share = 0.3}).recommended, 2u);
}

TEST(PlanChoice, TakesTheLowestPriceWherePricesAreKnown) {
  std::vector<MeasuredWay> ways = Compared({{0, 10, 0.5}, {1, 20, 0.6}, {2, 30, 0.6}});
  ways[1].way.price = 3;
  ways[2].way.price = 2;
  EXPECT_EQ(ChooseWay(ways, {}).recommended, 2u);
}

TEST(PlanChoice, KnowsTheFrontierOfCallsAndBytes) {
  const std::vector<MeasuredWay> ways =
      Compared({{0, 10, 0.5}, {1, 20, 0.6}, {2, 30, 0.55}, {8, 90, 0.65}});
  EXPECT_TRUE(ways[0].on_frontier);
  EXPECT_TRUE(ways[1].on_frontier);
  EXPECT_FALSE(ways[2].on_frontier) << "one view is better and cheaper";
  EXPECT_TRUE(ways[3].on_frontier);
}

TEST(PlanChoice, HasNoGapWhereTheMostViewsAreNotBetterBeyondChance) {
  const std::vector<MeasuredWay> ways = Compared({{0, 10, 0.5}, {8, 90, 0.501}, {1, 20, 0.55}});
  for (const MeasuredWay& way : ways) EXPECT_FALSE(way.gap.significant);
}

TEST(PlanChoice, MeasuresTheGapBetweenNothingAndTheMostViews) {
  const std::vector<MeasuredWay> ways = Compared({{0, 10, 0.5}, {8, 90, 0.6}, {1, 20, 0.55}});
  EXPECT_TRUE(ways[2].gap.significant);
  EXPECT_NEAR(ways[2].gap.closed, 0.5, 0.1);
  EXPECT_NEAR(ways[1].gap.closed, 1, 1e-9);
  EXPECT_NEAR(ways[2].difference.mean, 0.05, 0.01);
}

}  // namespace
}  // namespace augstore
