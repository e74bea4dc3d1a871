#include "engine/heads/head_calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/math/onednn_gemm.h"

namespace augstore {

Calibration::Calibration(ConstMatrixView rows, std::vector<size_t> labels, size_t classes)
    : rows_(rows),
      labels_(std::move(labels)),
      classes_(classes),
      smoothing_(1 / (static_cast<double>(rows.rows) + 2)),
      scores_(rows.rows, classes) {}

Calibration::Fit Calibration::Run(const LinearScores& scores) {
  Score(scores);
  const double spread = Spread();
  if (!(spread > 0)) return {1, At(1, scores.offset).loss};
  // Newton's method on a convex function, and the middle of the bounds where it would leave them.
  double low = 1e-3 / spread;
  double high = 1e4 / spread;
  double scale = 1 / spread;
  Look look;
  for (int i = 0; i < 50; ++i) {
    look = At(scale, scores.offset);
    (look.slope > 0 ? high : low) = scale;
    double next = scale - look.slope / look.curvature;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    if (std::abs(next - scale) < 1e-4 * scale) break;
    scale = next;
  }
  return {scale, look.loss};
}

void Calibration::Score(const LinearScores& scores) {
  const std::vector<float> weight(scores.weight.begin(), scores.weight.end());
  for (size_t i = 0; i < rows_.rows; ++i) std::ranges::copy(scores.bias, scores_.row(i).begin());
  const auto d = static_cast<int64_t>(rows_.cols);
  const auto c = static_cast<int64_t>(classes_);
  Gemm(false, true, static_cast<int64_t>(rows_.rows), c, d, rows_.data, d, weight.data(), d, 1,
       scores_.data(), c);
}

// Root of the mean variance of a row's scores.
double Calibration::Spread() const {
  const auto classes = static_cast<double>(classes_);
  double sum = 0;
  for (size_t i = 0; i < rows_.rows; ++i) {
    double total = 0;
    double squares = 0;
    for (const float score : scores_.row(i)) {
      total += score;
      squares += double{score} * score;
    }
    sum += std::max(squares / classes - (total / classes) * (total / classes), 0.0);
  }
  return std::sqrt(sum / static_cast<double>(rows_.rows));
}

Calibration::Look Calibration::At(double scale, const std::vector<double>& offset) const {
  Look sum;
  std::vector<double> logits(classes_);
  for (size_t i = 0; i < rows_.rows; ++i) {
    const auto row = scores_.row(i);
    for (size_t c = 0; c < classes_; ++c) logits[c] = scale * row[c] + offset[c];
    const double largest = *std::ranges::max_element(logits);
    double total = 0;
    double mean = 0;  // of the scores under the softmax
    double square = 0;
    double plain = 0;  // under equal shares
    for (size_t c = 0; c < classes_; ++c) {
      const double p = std::exp(logits[c] - largest);
      total += p;
      mean += p * row[c];
      square += p * row[c] * row[c];
      plain += row[c];
    }
    mean /= total;
    const double target =
        (1 - smoothing_) * row[labels_[i]] + smoothing_ * plain / static_cast<double>(classes_);
    sum.loss += std::log(total) + largest - logits[labels_[i]];
    sum.slope += mean - target;
    sum.curvature += square / total - mean * mean;
  }
  sum.loss /= static_cast<double>(rows_.rows);
  return sum;
}

}  // namespace augstore
