// The families of TrainTransform that are trained by gradient descent. Internal to engine.
#ifndef AUGSTORE_ENGINE_TORCH_TRANSFORM_TRAINER_H_
#define AUGSTORE_ENGINE_TORCH_TRANSFORM_TRAINER_H_

#include <functional>
#include <string>

#include "engine/transform_trainer.h"
#include "schemas/layers.h"
#include "schemas/types.h"

namespace augstore {

// Pairs (z, z') cut into what a transform is fitted to and what it is judged by.
struct TransformPairs {
  Matrix train_z;
  Matrix train_target;
  Matrix held_out_z;
  Matrix held_out_target;
  bool non_negative = false;  // every z' is
};

struct FittedTransform {
  Layers layers;
  std::string notes;  // hyperparameters chosen, for the card
};

using TransformProgressCallback = std::function<bool(const TransformProgress&)>;

// Trains "mlp" or "residual"; the best epoch by held-out error is kept. REQUIRES: finite pairs, at
// least one of each part; checked options. Errors: kInternal (diverged, with the learning rate;
// Torch failed).
Result<FittedTransform> TrainNetworkTransform(const TransformPairs& pairs,
                                              const TransformTrainOptions& options,
                                              const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TORCH_TRANSFORM_TRAINER_H_
