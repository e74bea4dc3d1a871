#include "tools/plan/plan_choice.h"

#include <algorithm>
#include <tuple>

namespace augstore {
namespace {

constexpr double kJointLevel = 0.95;

bool IsAllowed(const PlanWay& way, const PlanLimits& limits) {
  return (limits.phi_calls == 0 || 1 + way.views <= limits.phi_calls) &&
         (limits.bytes == 0 || way.bytes <= limits.bytes);
}

bool IsCheaper(const PlanWay& a, const PlanWay& b) {
  return std::tie(a.price, a.views, a.bytes, a.multiply_adds) <
         std::tie(b.price, b.views, b.bytes, b.multiply_adds);
}

bool IsOnFrontier(const std::vector<MeasuredWay>& ways, const MeasuredWay& way) {
  return std::ranges::none_of(ways, [&](const MeasuredWay& other) {
    const bool as_cheap = other.way.views <= way.way.views && other.way.bytes <= way.way.bytes;
    return as_cheap && other.accuracy.mean > way.accuracy.mean;
  });
}

}  // namespace

void CompareWays(std::vector<MeasuredWay>* ways) {
  const MeasuredWay& none = ways->front();
  size_t most = 0;
  for (size_t i = 0; i < ways->size(); ++i) {
    if ((*ways)[i].way.views > (*ways)[most].way.views) most = i;
  }
  const std::vector<double> low = RowMeans(none.hits);
  const std::vector<double> high = RowMeans((*ways)[most].hits);
  // Bonferroni: all but the first are compared with it.
  const double level =
      1 - (1 - kJointLevel) / static_cast<double>(std::max<size_t>(1, ways->size() - 1));
  for (MeasuredWay& way : *ways) {
    const std::vector<double> own = RowMeans(way.hits);
    way.accuracy = Summarise(own);
    way.difference = PairedDifference(way.hits, none.hits, level);
    way.gap = MeasureGap(low, own, high);
  }
  const bool has_gap = (*ways)[most].difference.low > 0;
  for (MeasuredWay& way : *ways) {
    if (!has_gap) way.gap = {};
    way.on_frontier = IsOnFrontier(*ways, way);
  }
}

PlanChoice ChooseWay(const std::vector<MeasuredWay>& ways, const PlanLimits& limits) {
  PlanChoice choice;
  for (size_t i = 1; i < ways.size(); ++i) {
    if (!IsAllowed(ways[i].way, limits)) continue;
    if (ways[i].accuracy.mean > ways[choice.best].accuracy.mean) choice.best = i;
  }
  choice.pays = choice.best != 0 && ways[choice.best].difference.low > 0;
  if (!choice.pays) return choice;
  choice.recommended = choice.best;
  const double wanted = limits.share * ways[choice.best].difference.mean;
  for (size_t i = 1; i < ways.size(); ++i) {
    const PolicyDifference& gain = ways[i].difference;
    if (!IsAllowed(ways[i].way, limits) || gain.mean < wanted || !(gain.low > 0)) continue;
    if (IsCheaper(ways[i].way, ways[choice.recommended].way)) choice.recommended = i;
  }
  return choice;
}

}  // namespace augstore
