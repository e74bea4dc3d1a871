// The families of TrainTransform that are trained by gradient descent. Internal to engine.
#ifndef AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_
#define AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_

#include "engine/fitting/fit_options.h"
#include "engine/fitting/model_selection.h"

namespace augstore {

// Trains "paper_mlp" or "residual"; the best epoch by held-out error is kept. "residual" begins at
// the identity and counts it as epoch 0, so that it is never worse than that there. REQUIRES:
// finite pairs, at least one of each part; checked options. Errors: kInvalidArgument (diverged,
// with the learning rate), kInternal (Torch failed).
Result<FittedTransform> TrainNetworkTransform(const TransformPairs& pairs,
                                              const TransformTrainOptions& options,
                                              const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TORCH_TRANSFORM_TRAINER_H_
