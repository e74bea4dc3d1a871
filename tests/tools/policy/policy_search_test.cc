#include "tools/policy/policy_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

// Identity, and p0, p1, … of rising cost.
std::vector<PolicyCandidate> Candidates(size_t augmented) {
  std::vector<PolicyCandidate> out = {{.policy = "identity", .baseline = true}};
  for (size_t i = 0; i < augmented; ++i)
    out.push_back({.policy = "p" + std::to_string(i), .cost = static_cast<double>(100 + i)});
  return out;
}

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

// Heads that are right with a known chance. Which samples are hard, and how well a seed does, is
// the same for every policy: what pairing takes out.
class Fake {
 public:
  explicit Fake(std::map<std::string, double> accuracy) : accuracy_(std::move(accuracy)) {}

  TrainPolicy Train() {
    return [this](const PolicyTrainRequest& request) -> Result<std::vector<Matrix>> {
      requests.push_back(request);
      names.push_back(request.candidate->policy);
      if (requests.size() == fail_at) return Unavailable("the server is gone");
      std::vector<Matrix> out;
      for (size_t rate = 0; rate < rates; ++rate) {
        Matrix hits(request.seeds, samples);
        for (size_t s = 0; s < request.seeds; ++s) {
          const double shift = 0.02 * (Uniform(request.first_seed + s, kSeedLuck) - 0.5);
          for (size_t i = 0; i < samples; ++i) Hit(request, rate, shift, s, i, hits.row(s));
        }
        out.push_back(std::move(hits));
      }
      return out;
    };
  }

  size_t samples = 400;
  size_t rates = 1;
  size_t good_rate = 0;  // the others lose 0.2
  double noise = 0.1;    // part of the answers that a policy gives by luck of its own
  unsigned world = 1;    // draws the validation samples
  size_t fail_at = 0;    // this call fails, from 1
  std::vector<PolicyTrainRequest> requests;
  std::vector<std::string> names;

 private:
  static constexpr uint64_t kSeedLuck = 1u << 30;

  double Uniform(uint64_t a, uint64_t b) const {
    return PhiloxUniform(world, RngUse::kNoise, a, b);
  }

  void Hit(const PolicyTrainRequest& request, size_t rate, double shift, size_t s, size_t i,
           std::span<float> row) const {
    const uint64_t run =
        std::hash<std::string>()(request.candidate->policy) * 1000 + request.first_seed + s;
    const bool by_luck = Uniform(run, 2 * i) < noise;
    const double level = by_luck ? Uniform(run, 2 * i + 1) : Uniform(i, i + 1);
    const double chance =
        accuracy_.at(request.candidate->policy) + shift - (rate == good_rate ? 0.0 : 0.2);
    row[i] = level < chance ? 1.0f : 0.0f;
  }

  std::map<std::string, double> accuracy_;
};

std::map<std::string, double> Accuracies(const std::vector<PolicyCandidate>& candidates,
                                         double all) {
  std::map<std::string, double> out;
  for (const PolicyCandidate& candidate : candidates) out[candidate.policy] = all;
  return out;
}

const RankedPolicy& Find(const PolicySearchResult& result, const std::string& policy) {
  for (const RankedPolicy& entry : result.ranking) {
    if (entry.candidate.policy == policy) return entry;
  }
  ADD_FAILURE() << policy;
  return result.ranking[0];
}

TEST(SearchPolicies, FindsTheBetterPolicyAmongMany) {
  const auto candidates = Candidates(12);
  auto accuracy = Accuracies(candidates, 0.5);
  accuracy["p7"] = 0.6;
  accuracy["p3"] = 0.4;
  Fake fake(accuracy);
  const auto result = SearchPolicies(candidates, {}, fake.Train());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const RankedPolicy& best = result->ranking[result->recommended];
  EXPECT_EQ(best.candidate.policy, "p7");
  EXPECT_EQ(best.verdict, PolicyVerdict::kBetter);
  EXPECT_EQ(best.seeds, 5u);
  EXPECT_LT(best.difference.low, 0.1);
  EXPECT_GT(best.difference.high, 0.1);
  EXPECT_EQ(result->ranking.size(), 13u);
  EXPECT_EQ(Find(*result, "p3").verdict, PolicyVerdict::kDropped);
  EXPECT_EQ(Find(*result, "p3").rounds, 1u);
}

TEST(SearchPolicies, KeepsIdentityToTheLastRoundHoweverBadItIs) {
  const auto candidates = Candidates(10);
  auto accuracy = Accuracies(candidates, 0.7);
  accuracy["identity"] = 0.2;
  Fake fake(accuracy);
  const auto result = SearchPolicies(candidates, {}, fake.Train());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->rounds.size(), 3u);
  const RankedPolicy& identity = Find(*result, "identity");
  EXPECT_EQ(identity.rounds, 3u);
  EXPECT_EQ(identity.verdict, PolicyVerdict::kBaseline);
  EXPECT_EQ(identity.difference.mean, 0);
  EXPECT_EQ(std::ranges::count(fake.names, "identity"), 3);
  EXPECT_EQ(result->ranking[result->recommended].verdict, PolicyVerdict::kBetter);
}

TEST(SearchPolicies, RecommendsIdentityWhenNothingHelps) {
  const auto candidates = Candidates(2);
  auto accuracy = Accuracies(candidates, 0.6);
  accuracy["p1"] = 0.5;
  Fake fake(accuracy);
  const auto result = SearchPolicies(candidates, {}, fake.Train());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->ranking[result->recommended].candidate.policy, "identity");
  EXPECT_EQ(Find(*result, "p0").verdict, PolicyVerdict::kUnclear);
  EXPECT_EQ(Find(*result, "p1").verdict, PolicyVerdict::kWorse);
}

TEST(SearchPolicies, SeldomCallsAPolicyBetterThatIsNot) {
  const auto candidates = Candidates(9);
  int wrong = 0;
  for (unsigned world = 0; world < 60; ++world) {
    Fake fake(Accuracies(candidates, 0.6));
    fake.world = world;
    fake.samples = 150;
    fake.noise = 0.3;
    const auto result = SearchPolicies(candidates, {}, fake.Train());
    ASSERT_TRUE(result.ok());
    wrong += result->ranking[result->recommended].verdict == PolicyVerdict::kBetter ? 1 : 0;
  }
  EXPECT_LE(wrong, 6);
}

TEST(SearchPolicies, GivesTheSameResultForTheSameAnswers) {
  const auto candidates = Candidates(7);
  const auto run = [&] {
    Fake fake(Accuracies(candidates, 0.6));
    return SearchPolicies(candidates, {.first_seed = 5}, fake.Train()).value();
  };
  const PolicySearchResult a = run();
  const PolicySearchResult b = run();
  ASSERT_EQ(a.ranking.size(), b.ranking.size());
  for (size_t i = 0; i < a.ranking.size(); ++i) {
    EXPECT_EQ(a.ranking[i].candidate.policy, b.ranking[i].candidate.policy);
    EXPECT_EQ(a.ranking[i].accuracy.mean, b.ranking[i].accuracy.mean);
    EXPECT_EQ(a.ranking[i].difference.mean, b.ranking[i].difference.mean);
  }
}

TEST(SearchPolicies, UsesFreshSeedsInEveryRoundAndTheSameForAllOfARound) {
  const auto candidates = Candidates(9);
  Fake fake(Accuracies(candidates, 0.6));
  const auto result = SearchPolicies(candidates, {.first_seed = 40}, fake.Train());
  ASSERT_TRUE(result.ok());
  std::map<size_t, std::set<uint64_t>> starts;
  for (const PolicyTrainRequest& request : fake.requests)
    starts[request.round].insert(request.first_seed);
  EXPECT_EQ(starts, (std::map<size_t, std::set<uint64_t>>{{0, {40}}, {1, {42}}}));
}

TEST(SearchPolicies, PrefersTheCheaperOfEquals) {
  std::vector<PolicyCandidate> candidates = {{.policy = "identity", .baseline = true},
                                             {.policy = "dear", .cost = 9},
                                             {.policy = "cheap", .cost = 2}};
  const TrainPolicy train = [](const PolicyTrainRequest& request) -> Result<std::vector<Matrix>> {
    std::vector<Matrix> out;
    out.emplace_back(request.seeds, 10);
    for (size_t s = 0; s < request.seeds; ++s)
      std::ranges::fill(out[0].row(s), request.candidate->baseline ? 0.0f : 1.0f);
    return out;
  };
  const auto result = SearchPolicies(candidates, {}, train);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->ranking[0].candidate.policy, "cheap");
  EXPECT_EQ(result->recommended, 0u);
  EXPECT_EQ(result->ranking[0].verdict, PolicyVerdict::kBetter) << "they never differ";
}

TEST(SearchPolicies, GivesEachPolicyItsBestLearningRate) {
  const auto candidates = Candidates(2);
  Fake fake(Accuracies(candidates, 0.6));
  fake.rates = 3;
  fake.good_rate = 1;
  const auto result = SearchPolicies(candidates, {.learning_rates = 3}, fake.Train());
  ASSERT_TRUE(result.ok());
  for (const RankedPolicy& entry : result->ranking) {
    EXPECT_EQ(entry.learning_rate, 1u);
    EXPECT_GT(entry.accuracy.mean, 0.5);
  }
  EXPECT_EQ(result->head_epochs, 3u * 5 * 30 * 3);
}

TEST(SearchPolicies, MultipliesViewsIntoPassesAndComparesWithTheBestIdentity) {
  std::vector<PolicyCandidate> candidates = {{.policy = "identity", .baseline = true},
                                             {.policy = "identity2", .views = 2, .baseline = true},
                                             {.policy = "p", .views = 2}};
  Fake fake({{"identity", 0.4}, {"identity2", 0.7}, {"p", 0.7}});
  const auto result = SearchPolicies(candidates, {}, fake.Train());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(fake.requests[0].epochs, 30u);
  EXPECT_EQ(fake.requests[2].epochs, 60u);
  EXPECT_EQ(result->head_epochs, 5u * 30 * (1 + 2 + 2));
  EXPECT_LT(Find(*result, "identity").difference.mean, -0.2);
  EXPECT_EQ(Find(*result, "p").verdict, PolicyVerdict::kUnclear);
  EXPECT_EQ(result->ranking[result->recommended].candidate.policy, "identity2");
}

TEST(SearchPolicies, HandsOnTheErrorOfTraining) {
  const auto candidates = Candidates(4);
  Fake fake(Accuracies(candidates, 0.6));
  fake.fail_at = 3;
  const auto result = SearchPolicies(candidates, {}, fake.Train());
  EXPECT_EQ(result.status().code(), Code::kUnavailable);
  EXPECT_EQ(fake.requests.size(), 3u);
}

TEST(SearchPolicies, SpendsWhatItPlanned) {
  const auto candidates = Candidates(10);
  Fake fake(Accuracies(candidates, 0.6));
  const auto result = SearchPolicies(candidates, {.budget = 700}, fake.Train());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  uint64_t planned = 0;
  for (const PolicyRound& round : result->rounds) planned += round.head_epochs;
  EXPECT_EQ(result->head_epochs, planned);
  EXPECT_LE(planned, 700u);
}

}  // namespace
}  // namespace augstore
