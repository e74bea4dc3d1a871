// The family "refined": z + A z + V relu(W z + b) + c, with a ReLU at its end where "affine" has
// one. For given W and b the output weights (A, V, c) have a closed form, and only W and b are
// trained by gradient descent: separable least squares (G. Golub and V. Pereyra, "The
// differentiation of pseudo-inverses and nonlinear least squares problems whose variables
// separate", SIAM J. Numer. Anal. 10, 1973), here by turns. Few weights are left that can overfit:
// transforms are trained on few pairs, and descent on all weights from the same start only loses.
#ifndef AUGSTORE_ENGINE_FITTING_REFINE_H_
#define AUGSTORE_ENGINE_FITTING_REFINE_H_

#include "engine/fitting/affine_fit.h"
#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"

namespace augstore {

// Returns two dense layers d -> 2d -> d, the last one residual. The first d hidden units pass z on,
// relu(z + o) = z + o, where the offset o is zero in dimensions that are never negative and in the
// others reaches a whole range of values below the least one; the other d are W and b.
//
// Starts at `ridge`, the affine map of `moments`, which counts as epoch 0: the result is never
// worse than it on the held-out pairs. Then W, small and random, gets output weights by ridge
// regression. Then, by turns, W and b descend for kEpochsPerTurn epochs of AdamW on the squared
// error, and the output weights are fitted again, with λ near the last one by held-out error. Stops
// as TrainEpochs does (engine/fitting/epoch_loop.h). The same pairs and options return the same
// weights for one number of compute threads.
//
// REQUIRES: finite pairs, at least one of each part; checked options; moments and ridge of pairs'
// training part. Errors: those of TrainEpochs.
Result<FittedTransform> Refine(const TransformPairs& pairs, const TransformTrainOptions& options,
                               const PairMoments& moments, const AffineFit& ridge,
                               const TransformProgressCallback& progress);

inline constexpr uint32_t kEpochsPerTurn = 2;

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_REFINE_H_
