// The families "paper_mlp" and "residual": networks trained by gradient descent.
#ifndef AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_
#define AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_

#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"

namespace augstore {

// Both return the best epoch by held-out error. REQUIRES: finite pairs, at least one of each part;
// checked options. Errors: kInvalidArgument (diverged, with the learning rate), kInternal (Torch
// failed).

// The paper's MLP: d -> 2d -> d with ReLU between, by SGD with momentum.
Result<FittedTransform> TrainPaperMlp(const TransformPairs& pairs,
                                      const TransformTrainOptions& options,
                                      const TransformProgressCallback& progress);

// z + MLP(z) by AdamW. Starts at the identity, which counts as epoch 0: the result is never worse
// than the identity on the held-out pairs.
Result<FittedTransform> TrainResidual(const TransformPairs& pairs,
                                      const TransformTrainOptions& options,
                                      const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_
