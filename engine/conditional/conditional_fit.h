// Fits a conditional transform (schemas/weights/transform_weights.h) in closed form: for each op a
// ridge regression of z' - z on the products of its features with (z, 1), over all its magnitudes
// at once; then, for applications of several ops, a ridge map from composed predictions to the
// truth.
#ifndef AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_FIT_H_
#define AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_FIT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "engine/conditional/conditional_pairs.h"
#include "engine/fitting/fit_options.h"
#include "engine/images/op_pattern.h"
#include "schemas/base/types.h"

namespace augstore {

struct ConditionalFitOptions {
  double validation_fraction = 0.1;  // of the images, held out as TrainTransform does
  uint64_t seed = 0;
  uint32_t error_bank = 512;
};

// Called with the number of parts done, that of all parts, and the part that comes next. Returning
// false ends the fit.
using ConditionalProgress = std::function<bool(size_t done, size_t all, const std::string& what)>;

// The card has the entries "held-out" (all views of held-out images), "held-out <op>" for each op
// of the family with its magnitudes, and "held-out chains"; their intervals resample images.
// Memory: about 3 (3 d)² doubles for an op with one parameter.
//
// REQUIRES: pairs.images < z.rows; pairs.targets is pairs.images.size() x z.cols. Errors:
// kInvalidArgument (fewer than 20 images; an op without views; NaN or infinity; more than 16384
// unknowns of one op, its features times d + 1), kUnavailable (ended by `progress`, which may be
// empty).
Result<TrainedTransform> FitConditional(const OpFamily& family, ConstMatrixView z,
                                        const ConditionalPairs& pairs,
                                        const ConditionalFitOptions& options,
                                        const ConditionalProgress& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_FIT_H_
