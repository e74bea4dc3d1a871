// The family "last_blocks": the last blocks of the backbone on the moved feature map.
#ifndef AUGSTORE_ENGINE_FITTING_TORCH_LAST_BLOCKS_TRAINER_H_
#define AUGSTORE_ENGINE_FITTING_TORCH_LAST_BLOCKS_TRAINER_H_

#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Ω(z, feature map) = relu(A z + blocks(feature map) + b), where blocks = `front` with all its
// convolutions, fitted by AdamW to the pairs from A = 0, b = 0. Keeps the best epoch by held-out
// error, of at most options.last_blocks_epochs. The same pairs and options return the same weights
// for one number of compute threads. REQUIRES: pairs with feature maps of front.feature_map,
// checked options, a valid front with d features. Errors: kInvalidArgument (diverged), kInternal
// (Torch failed).
Result<FittedTransform> TrainLastBlocks(const TransformPairs& pairs,
                                        const TransformTrainOptions& options, SpatialFront front,
                                        const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TORCH_LAST_BLOCKS_TRAINER_H_
