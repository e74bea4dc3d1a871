#include "tools/head/head_grid.h"

#include <gtest/gtest.h>

#include <limits>

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

}  // namespace
}  // namespace augstore
