// What a plan found, for people, for programs and as a plot.
#ifndef AUGSTORE_TOOLS_PLAN_PLAN_REPORT_H_
#define AUGSTORE_TOOLS_PLAN_PLAN_REPORT_H_

#include <string>
#include <vector>

#include "tools/plan/plan.h"

namespace augstore {

// The table of all ways, what is recommended and why, and the commands to type.
std::string PlanText(const PlanFlags& flags, const PlanResult& result);
Json PlanJson(const PlanFlags& flags, const PlanResult& result);
// The gap that each way closes, with its interval, as SVG: the cheapest first. Where there is no
// gap: the difference to no augmentation.
std::string PlanPlot(const PlanFlags& flags, const PlanResult& result);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PLAN_PLAN_REPORT_H_
