// The first layer of the family "refined" (engine/fitting/refine.h). Internal to engine.
#ifndef AUGSTORE_ENGINE_FITTING_REFINE_FEATURES_H_
#define AUGSTORE_ENGINE_FITTING_REFINE_FEATURES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "engine/fitting/affine_fit.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Computes 2d features of z in d dimensions: relu((z + offset) / scale) and relu(W u + b), where u
// is z in units in which it has mean 0 and root mean square 1.
class RefineFeatures {
 public:
  // W starts small and random by `seed`, b at zero. REQUIRES: moments are those of z.
  RefineFeatures(ConstMatrixView z, const PairMoments& moments, uint64_t seed);

  float scale() const { return scale_; }
  const std::vector<float>& offset() const { return offset_; }
  std::vector<float>& weight() { return weight_; }  // W, d x d
  std::vector<float>& bias() { return bias_; }      // b

  // u of one row.
  void ToUnits(std::span<const float> z, std::span<float> out) const;
  // relu(W u + b) of the first `rows` rows.
  void Hidden(const Matrix& units, size_t rows, Matrix* hidden) const;
  // All features: out is z.rows x 2d.
  void Fill(ConstMatrixView z, MatrixView out) const;
  // The layer d -> 2d that computes them.
  Layer Export() const;

 private:
  size_t dim_;
  float scale_ = 1;
  std::vector<float> mean_;
  std::vector<float> offset_;
  std::vector<float> weight_;
  std::vector<float> bias_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_REFINE_FEATURES_H_
