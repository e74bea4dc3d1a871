#include "tools/policy/policy_candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace augstore {
namespace {

TEST(GeneratePolicies, TriesEachAloneInTwoWeightsThenPairsThenAll) {
  using Policies = std::vector<std::string>;
  EXPECT_EQ(GeneratePolicies({"v"}, NoiseChoice::kNo, 9),
            (Policies{"identity", "identity:1,v:1", "identity:3,v:1"}));
  EXPECT_EQ(GeneratePolicies({"v", "r"}, NoiseChoice::kYes, 9),
            (Policies{"identity", "identity:1,v~:1", "identity:3,v~:1", "identity:1,r~:1",
                      "identity:3,r~:1", "identity:1,v~:1,r~:1"}));
  const Policies three = GeneratePolicies({"a", "b", "c"}, NoiseChoice::kNo, 2);
  EXPECT_EQ(three.size(), 1u + 6 + 2 + 1);
  EXPECT_EQ(three[8], "identity:1,a:1,c:1");
  EXPECT_EQ(three.back(), "identity:1,a:1,b:1,c:1");
  const Policies both = GeneratePolicies({"v"}, NoiseChoice::kBoth, 0);
  EXPECT_EQ(both.size(), 5u);
  EXPECT_EQ(both[3], "identity:1,v~:1");
}

TEST(SplitPolicies, TakesPoliciesFromListsAndRefusesEmptyOnes) {
  const auto policies = SplitPolicies({"a:1,b:1; c ", "d"});
  ASSERT_TRUE(policies.ok());
  EXPECT_EQ(*policies, (std::vector<std::string>{"a:1,b:1", "c", "d"}));
  for (const char* list : {"", " ", "a;", ";a", "a; ;b"})
    EXPECT_EQ(SplitPolicies({list}).status().code(), Code::kInvalidArgument) << list;
}

}  // namespace
}  // namespace augstore
