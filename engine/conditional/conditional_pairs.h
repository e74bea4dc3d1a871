// What a conditional transform is fitted to, and which views that needs.
#ifndef AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_PAIRS_H_
#define AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/images/op_pattern.h"
#include "schemas/base/types.h"

namespace augstore {

// Views of some images: z' = Φ(ops(x)), each with its own ops.
struct ConditionalPairs {
  std::vector<uint32_t> images;  // row of z that view i belongs to
  std::vector<OpPattern> ops;    // fixed, 1 .. slots ops
  Matrix targets;                // views x d
};

// For every image, `singles` single ops and `chains` chains of two ops with random magnitudes, and
// every op at each corner of its ranges.
struct ViewPlan {
  uint32_t singles = 4;
  uint32_t chains = 2;  // none where the family has one slot
  uint64_t seed = 0;
};

// The views that training on `images` images needs, a function of the arguments alone. Fills
// `images` and `ops`; `targets` are the caller's to fill.
Result<ConditionalPairs> PlanViews(const OpFamily& family, size_t images, const ViewPlan& plan);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_PAIRS_H_
