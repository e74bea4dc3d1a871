// The family "refined": z + A z + V relu(W z + b) + c, clamped as "affine" is. Its output weights
// (A, V, c) have a closed form for given W and b, and only W and b are trained by gradient descent:
// separable least squares (G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and
// nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10, 1973), here
// by turns. Little is left that can overfit: with as few pairs as a transform is trained on,
// descent on all weights from the same start only loses.
#ifndef AUGSTORE_ENGINE_FITTING_REFINE_H_
#define AUGSTORE_ENGINE_FITTING_REFINE_H_

#include "engine/fitting/affine_fit.h"
#include "engine/fitting/fit_options.h"
#include "engine/fitting/model_selection.h"

namespace augstore {

// Two dense layers d -> 2d -> d, the last one residual. The first d hidden units hand z through,
// relu(z + o) = z + o, where the offset o is zero in dimensions that are never negative and else
// reaches a whole range of values below the least one; the other d are W and b. Starts at `ridge`,
// the affine map of `moments`, which counts as epoch 0, so that the result is never worse than it
// on the held-out pairs; then W, small and random, gets its output weights by ridge regression;
// then by turns W and b descend for kEpochsPerTurn epochs of AdamW on the squared error, and the
// output weights are fitted again, λ beside the last one by held-out error. Stops after
// options.patience epochs without improvement, options.max_epochs, or when `progress` says so. The
// same pairs and options give the same weights for one number of compute threads. REQUIRES: finite
// pairs, at least one of each part; checked options; moments and ridge of pairs' training part.
// Errors: kInvalidArgument (diverged, with the learning rate).
Result<FittedTransform> Refine(const TransformPairs& pairs, const TransformTrainOptions& options,
                               const PairMoments& moments, const AffineFit& ridge,
                               const TransformProgressCallback& progress);

inline constexpr uint32_t kEpochsPerTurn = 2;

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_REFINE_H_
