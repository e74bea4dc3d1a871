// The rounds of a policy search: which policies train how long, within a budget.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_ROUNDS_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_ROUNDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/status.h"

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

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_ROUNDS_H_
