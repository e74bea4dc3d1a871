// Which views a conditional transform is trained on.
#ifndef AUGSTORE_ENGINE_FITTING_CONDITIONAL_VIEWS_H_
#define AUGSTORE_ENGINE_FITTING_CONDITIONAL_VIEWS_H_

#include <cstddef>
#include <cstdint>

#include "engine/fitting/conditional_pairs.h"
#include "engine/images/op_pattern.h"
#include "schemas/base/status.h"

namespace augstore {

// The views that training needs, for `images` images: of every image `singles` single ops and
// `chains` chains of two ops with random magnitudes, and every op at each corner of its ranges. A
// function of its arguments alone. `images` and `ops` are filled, `targets` is the caller's.
struct ViewPlan {
  uint32_t singles = 4;
  uint32_t chains = 2;  // none where the family has one slot
  uint64_t seed = 0;
};
Result<ConditionalPairs> PlanViews(const OpFamily& family, size_t images, const ViewPlan& plan);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_CONDITIONAL_VIEWS_H_
