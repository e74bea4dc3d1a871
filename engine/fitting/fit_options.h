// Options of training a transform, its progress reports, and its result.
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
  // A family (engine/fitting/families.h), or "auto": fit every family to the same pairs and take
  // the best.
  std::string family = "auto";
  uint64_t seed = 0;
  // Of the pairs, above 0 and at most 0.9: held out by HoldoutMask, so the same for all families.
  double validation_fraction = 0.1;
  // Views of each image: with n images, row i + k n is view k of image i (SplitPairs).
  uint32_t views = 1;
  uint32_t max_epochs = 60;
  uint32_t patience = 5;  // epochs without improvement before stopping
  uint32_t batch_size = 256;
  double learning_rate = 0;  // 0: the family's default
  double weight_decay = -1;  // < 0: the family's default
  // Where "last_blocks" starts; without it "auto" leaves that family out.
  std::optional<SpatialFront> last_blocks;
  uint32_t last_blocks_epochs = 12;  // at most, in place of max_epochs
  uint32_t last_blocks_batch_size = 64;
  uint32_t error_bank = 512;  // errors of held-out pairs that are kept with the weights, at most
};

struct TransformProgress {
  std::string family;  // being trained, or done
  uint32_t epoch = 0;  // done
  uint32_t max_epochs = 0;
  double validation_mse = 0;
  double r2 = 0;
  const CardCandidate* finished = nullptr;  // under "auto", when the family is done: its result
};

using TransformProgressCallback = std::function<bool(const TransformProgress&)>;

struct TrainedTransform {
  std::string family;        // that was fitted; under "auto": that was chosen
  TransformWeights weights;  // of the best epoch, with the error bank
  // One entry, "held-out", with its interval; losses (engine/transforms/precision.h); under "auto"
  // the candidates.
  Card card;
};

// The feature map of each x of the pairs. No rows: there are none, and the families that read them
// are left out.
struct PairFeatureMaps {
  ConstMatrixView feature_maps;
  FeatureMapShape shape;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_FIT_OPTIONS_H_
