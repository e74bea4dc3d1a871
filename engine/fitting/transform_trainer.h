// Trains Ω on pairs (z, z' = Φ(g(x))).
#ifndef AUGSTORE_ENGINE_FITTING_TRANSFORM_TRAINER_H_
#define AUGSTORE_ENGINE_FITTING_TRANSFORM_TRAINER_H_

#include "engine/fitting/fit_options.h"
#include "schemas/base/types.h"

namespace augstore {

// Errors: kInvalidArgument (an unknown family, naming all families; an option out of its range).
Status CheckTrainOptions(const TransformTrainOptions& options);

// Fits options.family, or every family and chooses. Every weight of the result is finite. When
// every z' is non-negative (a backbone that ends in ReLU), all families but "paper_mlp" and
// "identity" end in ReLU as well: clamping to the range of all targets never moves away from them.
// The rows of the error bank are z' - Ω(z) of held-out pairs, chosen evenly among them.
//
// `progress` (may be empty) is called after each epoch, and under "auto" when a family is done;
// returning false stops early with the best so far. "auto" trains families side by side and calls
// from their threads, one call at a time. A family that "auto" could not fit is left out, and the
// card's notes say why.
//
// REQUIRES: same shapes; as many feature maps as pairs, or none. Errors: those of
// CheckTrainOptions; kInvalidArgument (a family that reads feature maps without any; fewer than 20
// images; NaN or infinity in the input; a learning rate with which training diverges; pairs without
// spread), kInternal (Torch failed).
Result<TrainedTransform> TrainTransform(ConstMatrixView z, ConstMatrixView z_target,
                                        const TransformTrainOptions& options,
                                        const TransformProgressCallback& progress,
                                        const PairFeatureMaps& feature_maps = {});

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TRANSFORM_TRAINER_H_
