#include "engine/fitting/model_selection.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

// Errors of candidates on 400 pairs with baseline 1: G is 1 - the mean error.
struct Choice {
  void Add(std::string_view family, uint64_t cost, double r2, double noise = 0.05) {
    const Matrix random = RandomMatrix(400, 1, static_cast<unsigned>(errors.size() + 1));
    errors.emplace_back(400);
    for (size_t i = 0; i < 400; ++i) {
      errors.back()[i] = 1 - r2 + noise * random.data()[i];
    }
    names.push_back(family);
    costs.push_back(cost);
  }
  std::string_view Chosen() const {
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < errors.size(); ++i) {
      candidates.push_back({costs[i], errors[i]});
    }
    return names[ChooseCandidate(candidates, std::vector<double>(400, 1.0), 1)];
  }
  std::vector<std::vector<double>> errors;
  std::vector<std::string_view> names;
  std::vector<uint64_t> costs;
};

TEST(CandidateChoice, TakesTheBestWhenItIsSurelyBetter) {
  Choice choice;
  choice.Add("identity", 0, 0);
  choice.Add("affine", 256, 0.2);
  choice.Add("refined", 1024, 0.3);
  choice.Add("paper_mlp", 1024, 0.25);
  EXPECT_EQ(choice.Chosen(), "refined");
}

TEST(CandidateChoice, TakesTheCheaperWhenThePairsDoNotTellThemApart) {
  Choice choice;
  choice.Add("identity", 0, 0);
  choice.Add("lowrank", 128, 0.2);
  choice.Add("affine", 256, 0.2999, 0.2);
  choice.Add("refined", 1024, 0.3, 0.2);
  EXPECT_EQ(choice.Chosen(), "affine");
}

TEST(CandidateChoice, DoesNotPayForADifferenceThatIsSureButTiny) {
  Choice choice;
  choice.Add("affine", 256, 0.300, 0);
  choice.Add("refined", 1024, 0.304, 0);
  EXPECT_EQ(choice.Chosen(), "affine");
}

TEST(CandidateChoice, TakesTheBetterOfTwoThatCostTheSame) {
  Choice choice;
  choice.Add("procrustes", 256, 0.29, 0.2);
  choice.Add("affine", 256, 0.3, 0.2);
  choice.Add("refined", 1024, 0.3, 0.2);
  EXPECT_EQ(choice.Chosen(), "affine");
}

TEST(CandidateChoice, StaysWithTheIdentityWhenNothingHelps) {
  Choice choice;
  choice.Add("identity", 0, 0, 0);
  choice.Add("shift", 16, 0.001, 0.2);
  choice.Add("affine", 256, -0.01);
  choice.Add("paper_mlp", 1024, -0.2);
  EXPECT_EQ(choice.Chosen(), "identity");
}

}  // namespace
}  // namespace augstore
