// The ways in which heads can get augmented embeddings, and heads trained in each.
#ifndef AUGSTORE_TOOLS_PLAN_PLAN_WAYS_H_
#define AUGSTORE_TOOLS_PLAN_PLAN_WAYS_H_

#include <string>
#include <vector>

#include "tools/plan/plan_data.h"
#include "tools/policy/policy_search.h"

namespace augstore {

// A way, as the user's database has it and as the trials have it.
struct PlannedWay {
  PlanWay way;
  PolicyCandidate trial;
};
struct PlannedWays {
  std::vector<PlannedWay> ways;    // no augmentation first, most views last
  std::vector<std::string> notes;  // what was left out, and why
};
// No augmentation; each transform that follows the law, without and with drawn errors; each number
// of views, and the smallest mixed with each transform; the most views. Transforms: those of
// --transforms, or the proven ones of the backbone that follow the law. Copies them to the trials.
// Errors: kNotFound (a transform), those of OpenStream for one of --transforms.
Result<PlannedWays> ListWays(const PlanFlags& flags, const PlanTarget& target, const ViewLaw& law,
                             const std::vector<uint32_t>& views, const PlanData& data,
                             Trials& trials);

// Trains heads in every way, and tests them on the validation images under the law. Errors: those
// of PolicyRuns; kUnavailable "interrupted" after Ctrl-C.
Result<std::vector<MeasuredWay>> MeasureWays(const PlanFlags& flags, const ViewLaw& law,
                                             const PlanData& data,
                                             const std::vector<PlannedWay>& ways, Trials& trials);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PLAN_PLAN_WAYS_H_
