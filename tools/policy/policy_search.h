// Choosing an augmentation policy by successive halving (Karnin, Koren and Somekh, "Almost Optimal
// Exploration in Multi-Armed Bandits", ICML 2013): every candidate trains a few heads, the best
// train more, and the last few are compared with "no augmentation" on the same validation samples.
//
// It knows no database: the caller passes the function that trains heads for a candidate.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/base/types.h"
#include "tools/cli/statistics.h"

namespace augstore {

struct PolicyCandidate {
  std::string policy;
  uint32_t views = 1;           // passes of one epoch over the samples, each with draws of its own
  double cost = 0;              // multiply-adds of the policy's transforms for one row, expected
  bool baseline = false;        // no augmentation: stays to the last round
  std::string collection = {};  // that heads train on; empty: that of the search
};

struct PolicySearchOptions {
  uint32_t seeds = 5;           // of every policy in the last round
  uint32_t epochs = 30;         // of every head in the last round
  uint32_t keep = 3;            // a round keeps 1 in this many policies
  uint32_t learning_rates = 1;  // heads of one seed, of which the best counts
  uint64_t first_seed = 0;      // rounds use seeds first_seed, first_seed + 1, …, none twice
  // Head epochs: epochs x heads (seeds x learning rates) x views, summed over everything that is
  // trained. 0: as many as the first rounds need for full-length training with fewer seeds.
  uint64_t budget = 0;
};

struct PolicyRound {
  size_t candidates = 0;  // without baselines
  uint32_t seeds = 0;
  uint32_t epochs = 0;
  uint64_t head_epochs = 0;  // at most
};
// The rounds that the budget allows: the last one always trains `seeds` seeds for `epochs` epochs;
// a small budget takes seeds, then epochs (down to a quarter) from the rounds before it. Errors:
// kInvalidArgument (no candidate but baselines, no baseline, numbers out of range; a budget that is
// too small, saying what is needed).
Result<std::vector<PolicyRound>> PlanPolicySearch(const std::vector<PolicyCandidate>& candidates,
                                                  const PolicySearchOptions& options);

struct PolicyTrainRequest {
  const PolicyCandidate* candidate = nullptr;
  size_t round = 0;
  uint64_t first_seed = 0;
  uint32_t seeds = 0;
  uint32_t epochs = 0;  // passes: views are multiplied in
};
// Trains heads and tests them on the validation samples, the same ones in the same order at every
// call: for each learning rate a matrix of seeds x samples, 1 where the head is right, 0 where it
// is wrong, between where a sample was shown in several ways. Equal seeds must mean equal initial
// weights and an equal order of training samples, whatever the candidate: that is what makes
// differences between candidates sharp.
using TrainPolicy = std::function<Result<std::vector<Matrix>>(const PolicyTrainRequest&)>;

enum class PolicyVerdict {
  kBaseline,
  kBetter,   // the interval lies above 0
  kUnclear,  // it contains 0
  kWorse,    // it lies below 0
  kDropped,  // left before the last round
};
std::string_view PolicyVerdictName(PolicyVerdict verdict);

struct RankedPolicy {
  PolicyCandidate candidate;
  size_t rounds = 0;  // that it trained in; the fields below are of the last of them
  uint32_t seeds = 0;
  uint32_t epochs = 0;          // without views
  size_t learning_rate = 0;     // index of the best
  MeanSd accuracy;              // over seeds
  PolicyDifference difference;  // to the best baseline of the round
  PolicyVerdict verdict = PolicyVerdict::kUnclear;
};

struct PolicySearchResult {
  std::vector<PolicyRound> rounds;
  // By rounds, then accuracy, then cost (lower first).
  std::vector<RankedPolicy> ranking;
  size_t recommended = 0;    // the first "better" one, else the best baseline; index into ranking
  uint64_t head_epochs = 0;  // spent
};

// Intervals of one round hold jointly with 95 % (Bonferroni). Deterministic: equal answers of
// `train` give an equal result. Errors: those of PlanPolicySearch and of `train`.
Result<PolicySearchResult> SearchPolicies(const std::vector<PolicyCandidate>& candidates,
                                          const PolicySearchOptions& options,
                                          const TrainPolicy& train);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_
