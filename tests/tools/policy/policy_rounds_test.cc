#include "tools/policy/policy_rounds.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/policy/candidates.h"

namespace augstore {
namespace {

TEST(PlanPolicySearch, NeverSpendsMoreThanTheBudget) {
  for (const size_t augmented : {1u, 3u, 4u, 10u, 30u}) {
    const auto candidates = Candidates(augmented);
    const auto natural = PlanPolicySearch(candidates, {});
    ASSERT_TRUE(natural.ok());
    uint64_t smallest = 0;
    for (uint64_t budget = 1; budget < 8000; budget += 13) {
      const auto rounds = PlanPolicySearch(candidates, {.budget = budget});
      if (!rounds.ok()) {
        EXPECT_EQ(smallest, 0u) << "a larger budget must do when a smaller one does";
        continue;
      }
      if (smallest == 0) smallest = budget;
      uint64_t sum = 0;
      for (const PolicyRound& round : *rounds) {
        sum += round.head_epochs;
        EXPECT_EQ(round.head_epochs, (round.candidates + 1) * round.seeds * round.epochs);
        EXPECT_GE(round.epochs, 8u);
      }
      EXPECT_LE(sum, budget);
      EXPECT_EQ(rounds->back().seeds, 5u);
      EXPECT_EQ(rounds->back().epochs, 30u);
      EXPECT_EQ(rounds->size(), natural->size());
    }
    EXPECT_GT(smallest, 0u);
  }
}

TEST(PlanPolicySearch, SaysWhatASmallBudgetLacks) {
  const auto candidates = Candidates(10);
  const auto refused = PlanPolicySearch(candidates, {.budget = 100});
  ASSERT_EQ(refused.status().code(), Code::kInvalidArgument);
  const std::string message = refused.status().message();
  const std::string before = "give at least ";
  ASSERT_NE(message.find(before), std::string::npos) << message;
  const uint64_t needed = std::stoull(message.substr(message.find(before) + before.size()));
  EXPECT_TRUE(PlanPolicySearch(candidates, {.budget = needed}).ok());
  EXPECT_FALSE(PlanPolicySearch(candidates, {.budget = needed - 1}).ok());
}

TEST(PlanPolicySearch, RefusesWhatCannotBeSearched) {
  EXPECT_EQ(PlanPolicySearch({}, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(PlanPolicySearch(Candidates(0), {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(PlanPolicySearch({{.policy = "p"}}, {}).status().code(), Code::kInvalidArgument);
  const auto candidates = Candidates(3);
  EXPECT_FALSE(PlanPolicySearch(candidates, {.seeds = 1}).ok());
  EXPECT_FALSE(PlanPolicySearch(candidates, {.epochs = 0}).ok());
  EXPECT_FALSE(PlanPolicySearch(candidates, {.keep = 1}).ok());
  EXPECT_FALSE(PlanPolicySearch(candidates, {.learning_rates = 0}).ok());
}

}  // namespace
}  // namespace augstore
