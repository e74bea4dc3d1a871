// The scale that turns the scores of a linear classifier into logits.
#ifndef AUGSTORE_ENGINE_HEADS_HEAD_CALIBRATION_H_
#define AUGSTORE_ENGINE_HEADS_HEAD_CALIBRATION_H_

#include <cstddef>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

// logit_c = scale * (weight_c x + bias_c) + offset_c.
struct LinearScores {
  std::vector<double> weight;  // classes x dim
  std::vector<double> bias;
  std::vector<double> offset;
};

// One scale for all classes, the inverse of a temperature, fitted on rows with known classes. The
// targets are smoothed as by J. Platt ("Probabilistic outputs for support vector machines", 1999),
// so that the scale is finite also when every row is right. Thread safety: none.
class Calibration {
 public:
  // `rows` must outlive the object. REQUIRES: one label per row, at least one, all below classes.
  Calibration(ConstMatrixView rows, std::vector<size_t> labels, size_t classes);

  struct Fit {
    double scale = 1;
    double loss = 0;  // mean cross-entropy at that scale, targets not smoothed
  };
  // The scale above 0 with the least smoothed cross-entropy.
  Fit Run(const LinearScores& scores);

 private:
  struct Look {
    double loss = 0;
    double slope = 0;      // of the smoothed loss by scale, summed over rows
    double curvature = 0;  // likewise
  };
  void Score(const LinearScores& scores);
  double Spread() const;
  Look At(double scale, const std::vector<double>& offset) const;

  const ConstMatrixView rows_;
  const std::vector<size_t> labels_;
  const size_t classes_;
  const double smoothing_;
  Matrix scores_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_HEAD_CALIBRATION_H_
