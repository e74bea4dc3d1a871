// Ridge regression of z' - z on z in closed form: the affine transform. No Torch; its products run
// on Gemm.
#ifndef AUGSTORE_ENGINE_AFFINE_FIT_H_
#define AUGSTORE_ENGINE_AFFINE_FIT_H_

#include <optional>
#include <vector>

#include "engine/worker_pool.h"
#include "schemas/layers.h"
#include "schemas/types.h"

namespace augstore {

// The second moments of centred pairs, from which the map for any λ follows. Memory: 2 d² doubles.
class RidgeProblem {
 public:
  // REQUIRES: same shapes, at least one row. The pairs are not needed afterwards.
  RidgeProblem(ConstMatrixView z, ConstMatrixView z_target);

  // The map z -> z + A'(z - mean) + mean(z' - z) as one layer, where A minimises the squared error
  // plus λ tr(A'A). λ is in units of the mean eigenvalue of the Gram matrix, so that one grid
  // serves every scale and number of pairs. The intercept bears no penalty. Nothing when the Gram
  // matrix plus λ is not positive definite in double precision.
  std::optional<Layer> Solve(double lambda, WorkerPool& pool) const;

 private:
  size_t dim_;
  std::vector<double> mean_;        // of z
  std::vector<double> mean_shift_;  // of z' - z
  std::vector<double> gram_;        // Σ (z - mean)(z - mean)', d x d
  std::vector<double> cross_;       // Σ (z - mean)(z' - z - mean_shift)', d x d
};

struct AffineFit {
  Layer layer;
  double lambda = 0;        // chosen
  double held_out_mse = 0;  // mean over pairs and dimensions
};

// Tries λ on a logarithmic grid, 1e-6 to 1e3 by decades, then by half and quarter decades around
// the best, and keeps the one with the least error on the held-out pairs. `relu` ends the layer in
// ReLU, for targets that are never negative. REQUIRES: four matrices of the same columns, pairs of
// the same rows, at least one row each. Errors: kInvalidArgument (no λ of the grid can be solved:
// the pairs have no spread).
Result<AffineFit> FitAffine(ConstMatrixView z, ConstMatrixView z_target, ConstMatrixView held_out_z,
                            ConstMatrixView held_out_target, bool relu);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_AFFINE_FIT_H_
