// Ridge regression of z' - z on z in closed form: the affine transform. No Torch: matrix products
// run on Gemm, linear systems on eigen_shifted_system.h.
#ifndef AUGSTORE_ENGINE_FITTING_AFFINE_FIT_H_
#define AUGSTORE_ENGINE_FITTING_AFFINE_FIT_H_

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/math/eigen_shifted_system.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Writes rows begin .. begin + out.rows - 1 of the inputs to `out`.
using InputRows = std::function<void(size_t begin, MatrixView out)>;

// The first and second moments of pairs, from which every transform in closed form follows. With X
// the rows of the inputs minus their mean (the inputs are z, or features of z) and D the rows
// z' - z - mean_shift. Memory: inputs (inputs + dim) doubles.
struct PairMoments {
  // The inputs are z. REQUIRES here and below: same shapes, at least one row. The pairs are not
  // needed afterwards.
  PairMoments(ConstMatrixView z, ConstMatrixView z_target);
  // `rows` is called twice for each row.
  PairMoments(size_t inputs, const InputRows& rows, ConstMatrixView z, ConstMatrixView z_target);

  size_t inputs;
  size_t dim;
  std::vector<double> mean;        // of the inputs
  std::vector<double> mean_shift;  // of z' - z
  std::vector<double> gram;        // X'X, inputs x inputs
  std::vector<double> cross;       // X'D, inputs x dim
  double mean_eigenvalue;          // of the Gram matrix
};

// The slope s_i of each dimension on the input of the same index alone: it minimises |D_i - s_i
// X_i|²; 0 where that input does not vary. REQUIRES: inputs >= dim.
std::vector<double> DiagonalSlopes(const PairMoments& moments);

// The ridge maps of pairs for every λ. Immutable after construction: any thread may solve.
class RidgeProblem {
 public:
  // `moments` must outlive it.
  explicit RidgeProblem(const PairMoments& moments);

  // A, inputs x dim, that minimises |D - X A|² + λ' |A - S|², where S has the DiagonalSlopes: a
  // strong penalty still leaves the slope of each dimension on itself, which is better than
  // nothing. λ is in
  // units of the mean eigenvalue of the Gram matrix, so that one grid serves every scale and number
  // of pairs: λ' = λ mean_eigenvalue. Nothing when the Gram matrix plus λ' is not positive definite
  // in double precision.
  std::optional<std::vector<double>> Solve(double lambda) const;

 private:
  const PairMoments& moments_;
  std::vector<double> diagonal_;
  ShiftedSystem system_;
};

// The same for one λ, in a quarter of the time.
std::optional<std::vector<double>> SolveRidge(const PairMoments& moments, double lambda);

// The map of inputs x to z + A'(x - mean) + mean_shift, where the first columns of x are z, as one
// dense layer that ends in ReLU or in nothing.
Layer AffineLayer(const PairMoments& moments, std::span<const double> slopes, bool relu);

// The map z -> weight * z + bias, dimension by dimension, likewise.
Layer DiagonalLayer(std::vector<float> weight, std::vector<float> bias, bool relu);

struct AffineFit {
  std::vector<double> slopes;  // A, inputs x d: in by out
  double lambda = 0;           // chosen
  double held_out_mse = 0;     // mean over pairs and dimensions
};

// Tries λ on a logarithmic grid, 1e-6 to 1e3 by decades, then half and quarter decades around the
// best, and keeps the one with the least error on the held-out pairs. `relu`: the layer is judged
// with a ReLU at its end, for targets that are never negative. REQUIRES: the first columns
// of the inputs are z; held-out matrices of moments.inputs and moments.dim columns and the same
// rows, at least one. Errors: kInvalidArgument (no λ of the grid
// can be solved: the pairs have no spread).
Result<AffineFit> FitAffine(const PairMoments& moments, ConstMatrixView held_out_inputs,
                            ConstMatrixView held_out_target, bool relu);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_AFFINE_FIT_H_
