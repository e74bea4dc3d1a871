// Choosing an augmentation policy by successive halving (Karnin, Koren and Somekh, "Almost Optimal
// Exploration in Multi-Armed Bandits", ICML 2013): every candidate trains a few heads, the best
// train more, and the last few are compared with "no augmentation" on the same validation samples.
//
// It knows no database: the caller passes the function that trains heads for a candidate.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/base/types.h"
#include "tools/cli/statistics.h"
#include "tools/policy/policy_rounds.h"
#include "tools/policy/policy_statistics.h"

namespace augstore {

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
