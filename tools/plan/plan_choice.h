// Comparing the ways in which heads get augmented embeddings, and recommending one. Knows no
// database.
#ifndef AUGSTORE_TOOLS_PLAN_PLAN_CHOICE_H_
#define AUGSTORE_TOOLS_PLAN_PLAN_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/base/types.h"
#include "tools/cli/statistics.h"

namespace augstore {

struct PlanWay {
  std::string name;          // "2 random views"
  std::string policy;        // in the names of the user's database
  uint32_t views = 0;        // stored of each image, each one call of Φ
  uint64_t bytes = 0;        // of what is stored of each image, with its views
  double multiply_adds = 0;  // of transforms for one row, expected
  double price = 0;          // of Φ and of the bytes for all images; 0 where no prices are known
};

// A way, with what its heads did on the validation images under the law.
struct MeasuredWay {
  PlanWay way;
  double learning_rate = 0;     // the best of those tried
  Matrix hits;                  // seeds x validation images: the part of its views that is right
  MeanSd accuracy;              // over seeds
  PolicyDifference difference;  // to no augmentation; all intervals hold jointly with 95 %
  // Between no augmentation and the way with the most views. Its interval is over seeds alone, and
  // there is none unless that way is better than no augmentation beyond chance.
  Gap gap;
  bool on_frontier = false;  // no other way is as accurate with as few calls of Φ and bytes
};

// What may be recommended.
struct PlanLimits {
  uint64_t phi_calls = 0;  // for each image, with the one for the image itself; 0: any number
  uint64_t bytes = 0;      // of embeddings for each image; 0: any number
  double share = 0.9;      // of what the best way gains that a cheaper one must gain, too
};

struct PlanChoice {
  size_t recommended = 0;  // index of a way
  size_t best = 0;         // of the ways within the limits, by mean accuracy
  bool pays = false;       // the best is better than no augmentation beyond what chance explains
};

// The mean, difference, gap and place of every way from its hits. REQUIRES: the first way is no
// augmentation; at least one; hits of equal shapes.
void CompareWays(std::vector<MeasuredWay>* ways);

// The cheapest way within the limits that is better than no augmentation beyond chance and gains
// `share` of what the best of them gains; no augmentation where the best is not better. Cheap: a
// low price, then few calls of Φ, then few bytes, then few multiply-adds. REQUIRES: CompareWays was
// called.
PlanChoice ChooseWay(const std::vector<MeasuredWay>& ways, const PlanLimits& limits);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PLAN_PLAN_CHOICE_H_
