// How a transform is trained, what is reported meanwhile, and what comes of it.
#ifndef AUGSTORE_ENGINE_FITTING_FIT_OPTIONS_H_
#define AUGSTORE_ENGINE_FITTING_FIT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "schemas/base/types.h"
#include "schemas/records/records.h"
#include "schemas/weights/transform_weights.h"

namespace augstore {

struct TransformTrainOptions {
  // "auto": every family of engine/fitting/model_selection.h on the same pairs, of which the best
  // is taken. One family: "identity", "shift", "diagonal", "procrustes" and "lowrank" in closed
  // form. "affine": ridge regression of z' - z on z in closed form, λ chosen on the held-out part.
  // "paper_mlp": the paper's d -> 2d -> d with ReLU, MSE, SGD with momentum. "residual": z +
  // MLP(z), last layer starting at zero, AdamW. "refined": the same, starting at the map of
  // "affine" and keeping to closed forms (engine/fitting/refine.h). "pooled": ridge regression on z
  // and means of its feature map. "last_blocks": convolutions on the feature map, starting at
  // `last_blocks` (engine/fitting/last_blocks.h).
  std::string family = "auto";
  uint64_t seed = 0;
  double validation_fraction = 0.1;  // held out: engine/transforms/held_out.h; chosen by (seed,
                                     // index) alone, so all families share it
  // Views of each image: with n images, row i + k n is view k of image i. All views of an image are
  // on the same side of the split, and the first one alone is held out to judge.
  uint32_t views = 1;
  uint32_t max_epochs = 60;
  uint32_t patience = 5;  // epochs without improvement before stopping
  uint32_t batch_size = 256;
  double learning_rate = 0;  // 0: the family's default
  double weight_decay = -1;  // < 0: the family's default
  std::optional<SpatialFront>
      last_blocks;  // where "last_blocks" starts; without it "auto" leaves that family out
  uint32_t last_blocks_epochs = 12;  // at most, in place of max_epochs
  uint32_t last_blocks_batch_size = 64;
  uint32_t error_bank =
      512;  // at most this many errors of held-out pairs are kept with the weights
};

struct TransformProgress {
  std::string family;  // being trained, or done
  uint32_t epoch = 0;  // done
  uint32_t max_epochs = 0;
  double validation_mse = 0;
  double r2 = 0;
  const CardCandidate* finished = nullptr;  // of "auto": this family is done, and how it came out
};

using TransformProgressCallback = std::function<bool(const TransformProgress&)>;

struct TrainedTransform {
  std::string family;        // that was fitted; of "auto": that was chosen
  TransformWeights weights;  // of the best epoch; error_bank: see the options
  Card card;  // one entry, "held-out", with its interval; prices (engine/transforms/precision.h);
              // of "auto": the candidates
};

// The feature map of each x of the pairs; no rows: there are none, and the families that read them
// are left out.
struct PairFeatureMaps {
  ConstMatrixView feature_maps;
  FeatureMapShape shape;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_FIT_OPTIONS_H_
