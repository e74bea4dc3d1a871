// Choosing an augmentation policy by successive halving (Karnin, Koren and Somekh, "Almost Optimal
// Exploration in Multi-Armed Bandits", ICML 2013): every candidate trains a few heads, the best
// train more, and the last few are compared with "no augmentation" on the same validation samples.
//
// It knows no database: how a candidate trains heads is a function that it is given.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/base/types.h"
#include "tools/cli/statistics.h"

namespace augstore {

struct PolicyCandidate {
  std::string policy;
  uint32_t views = 1;     // passes of one epoch over the samples, each with draws of its own
  double cost = 0;        // multiply-adds of the policy's transforms for one row, expected
  bool baseline = false;  // no augmentation: stays to the last round
};

struct PolicySearchOptions {
  uint32_t seeds = 5;           // of every policy in the last round
  uint32_t epochs = 30;         // of every head in the last round
  uint32_t keep = 3;            // a round keeps one in so many
  uint32_t learning_rates = 1;  // heads of one seed, of which the best counts
  uint64_t first_seed = 0;      // rounds use seeds first_seed, first_seed + 1, …, none twice
  // Head epochs: epochs x heads (seeds x learning rates) x views, summed over everything that is
  // trained. 0: what gives the first rounds full-length training with fewer seeds.
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

// A mean difference of accuracies with its confidence interval; low and high are NaN when there is
// no interval, as after one seed.
struct PolicyDifference {
  double mean = 0;
  double low = 0;
  double high = 0;
};
// `a` - `b`, both seeds x samples, paired in both. Both vary: seeds, because another one trains
// other heads, and samples, because others could have been drawn. So the variance of the mean is
// that of a crossed design with two random factors (Searle, Casella and McCulloch, "Variance
// Components", 1992, ch. 4): sd² / n of the seed means, plus that of the sample means, less that of
// their interaction, which both contain; degrees of freedom after Satterthwaite ("An Approximate
// Distribution of Estimates of Variance Components", 1946). `level`: 0.95 for 95 %.
// REQUIRES: equal shapes, at least one value.
PolicyDifference PairedDifference(const Matrix& a, const Matrix& b, double level);

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
  size_t rounds = 0;  // that it trained in; what follows is of the last of them
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

enum class NoiseChoice { kNo, kYes, kBoth };

// Policies to try when only transforms are named, each a step of a chain ("vflip@2"): identity; one
// transform beside identity with weights 1:1 and 3:1; at most `pairs` pairs; all of them. With
// kYes, transforms draw an error ("vflip@2~"); with kBoth, every policy comes without and with.
std::vector<std::string> GeneratePolicies(const std::vector<std::string>& transforms,
                                          NoiseChoice noise, size_t pairs);

// "a:1,b:1;c:1" -> "a:1,b:1", "c:1"; blanks around policies are cut off. Errors: kInvalidArgument
// (an empty policy between semicolons).
Result<std::vector<std::string>> SplitPolicies(const std::vector<std::string>& lists);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_SEARCH_H_
