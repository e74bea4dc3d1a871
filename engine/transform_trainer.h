// Trains Ω on pairs (z, z' = Φ(g(x))). Torch stays behind torch_transform_trainer.cc.
#ifndef AUGSTORE_ENGINE_TRANSFORM_TRAINER_H_
#define AUGSTORE_ENGINE_TRANSFORM_TRAINER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "schemas/layers.h"
#include "schemas/records.h"
#include "schemas/types.h"

namespace augstore {

struct TransformTrainOptions {
  // "mlp": the paper's d -> 2d -> d with ReLU, MSE, SGD with momentum. "residual": z + MLP(z), last
  // layer starting at zero, AdamW. "affine": ridge regression of z' - z on z in closed form, λ
  // chosen on the held-out part; one layer.
  std::string family = "affine";
  uint64_t seed = 0;
  double validation_fraction =
      0.1;  // held out; chosen by (seed, index) alone, so all families share it
  uint32_t max_epochs = 60;
  uint32_t patience = 5;  // epochs without improvement before stopping
  uint32_t batch_size = 256;
  double learning_rate = 0;  // 0: the family's default
  double weight_decay = -1;  // < 0: the family's default
};

struct TransformProgress {
  uint32_t epoch = 0;  // done
  uint32_t max_epochs = 0;
  double validation_mse = 0;
  double explained = 0;
};

struct TrainedTransform {
  Layers layers;  // of the best epoch
  Card card;      // one entry, "held-out"
};

// REQUIRES: same shapes. Every weight of the result is finite. When every z' is non-negative (a
// backbone that ends in ReLU), "residual" and "affine" end in ReLU as well: clamping to where all
// targets are never moves away from them. `progress` (may be empty) is called after each epoch;
// returning false stops early with the best so far. Errors: kInvalidArgument (unknown family,
// naming those there are; an option out of its range; fewer than 20 pairs; NaN or infinity in the
// input; a learning rate with which training diverges), kInternal (Torch failed).
Result<TrainedTransform> TrainTransform(
    ConstMatrixView z, ConstMatrixView z_target, const TransformTrainOptions& options,
    const std::function<bool(const TransformProgress&)>& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORM_TRAINER_H_
