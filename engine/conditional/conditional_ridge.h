// The ridge problem of one op of a conditional transform: z' - z on the products of the op's
// features with (z, 1), for views with any magnitudes.
#ifndef AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_RIDGE_H_
#define AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_RIDGE_H_

#include <optional>
#include <vector>

#include "engine/conditional/conditional_pairs.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Views of one op, and the k features of each.
struct OpViews {
  std::vector<size_t> views;    // indices into ConditionalPairs
  std::vector<float> features;  // views x k
};

// The embeddings of all images, centred, with a column of ones.
struct CentredInputs {
  explicit CentredInputs(ConstMatrixView z);
  std::vector<double> mean;
  Matrix x;         // n x (d + 1)
  double ones = 1;  // the value of that column: so large that the penalty hardly reaches it
};

// k (d + 1) unknowns for each of d outputs. Memory: 2 (k (d + 1))² doubles.
class OpRidge {
 public:
  // REQUIRES: at least one view; the arguments outlive it.
  OpRidge(const CentredInputs& inputs, ConstMatrixView z, const ConditionalPairs& pairs,
          const OpViews& train, size_t features);

  // The k affine maps for λ, which is in units of the mean eigenvalue of z's part of the Gram
  // matrix. Nothing when the system is not positive definite in double precision.
  std::optional<std::vector<Layer>> Solve(double lambda) const;

 private:
  void AddProduct(const Matrix& right, double* sum, size_t stride);
  void AddGram(const OpViews& train, size_t p, size_t q);
  void AddCross(const OpViews& train, size_t p);

  const CentredInputs& inputs_;
  ConstMatrixView z_;
  const ConditionalPairs& pairs_;
  const size_t k_;
  const size_t width_;
  const size_t size_;
  std::vector<double> scale_;  // of the features: their root mean square
  std::vector<double> gram_;   // lower triangle
  std::vector<double> cross_;
  double mean_eigenvalue_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CONDITIONAL_CONDITIONAL_RIDGE_H_
