// The sample of images that a plan is measured on: its embeddings and views, in the plan's own
// store.
#ifndef AUGSTORE_TOOLS_PLAN_PLAN_DATA_H_
#define AUGSTORE_TOOLS_PLAN_PLAN_DATA_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/images/image_source.h"
#include "engine/images/view_law.h"
#include "tools/compare/trials.h"
#include "tools/plan/plan.h"

namespace augstore {

// Of each image that heads are tested on: tests want many images rather than many views.
inline constexpr uint32_t kPlanValidationViews = 2;

struct PlanSample {
  std::vector<ImageItem> items;      // labelled, about as many of each class
  std::vector<std::string> classes;  // of --images
  uint64_t all_images = 0;           // labelled
};
// Chooses what heads are trained on and tested on, at least 4 images of each class; equal flags
// choose the same. Errors: those of ListClasses; kInvalidArgument (fewer than two classes).
Result<PlanSample> ChooseSample(const PlanFlags& flags);

struct PlanData {
  // Ref of the collection of the trials whose samples have so many views: all of the same images.
  std::map<uint32_t, std::string> collections;
  std::string tests;  // that of the images that heads are tested on
  uint64_t training = 0;
  uint64_t validation = 0;
  uint64_t copies = 0;  // images of the sample that were left out, as another has the same content
  EmbedCounts counts;
};
// Embeds the sample and the views of it that `law` draws, in the user's store where a later `view
// add` of the same law and seed finds them, and copies them. `law` has the most views; `views` are
// the numbers of views that collections are made for, beside 0 and that. Errors: those of
// EmbedItems and CopyCollection; kInvalidArgument (too few images can be read).
Result<PlanData> PreparePlan(const PlanFlags& flags, const PlanSample& sample, const ViewLaw& law,
                             const std::vector<uint32_t>& views, Trials& trials);

// Calls of Φ at most, for views are found that are stored.
uint64_t PlanPhiCalls(const PlanFlags& flags, const PlanSample& sample, const ViewLaw& law);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_PLAN_PLAN_DATA_H_
