#include "engine/card.h"

#include <cmath>
#include <utility>
#include <vector>

namespace augstore {
namespace {

double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t j = 0; j < a.size(); ++j) {
    const double difference = double{a[j]} - double{b[j]};
    sum += difference * difference;
  }
  return sum;
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (size_t j = 0; j < a.size(); ++j) {
    dot += double{a[j]} * double{b[j]};
    a_squared += double{a[j]} * double{a[j]};
    b_squared += double{b[j]} * double{b[j]};
  }
  if (a_squared == 0 || b_squared == 0) return a_squared == b_squared ? 1 : 0;
  return dot / (std::sqrt(a_squared) * std::sqrt(b_squared));
}

// The trace of the covariance, by two passes: one loses everything to cancellation when means are
// large.
double TotalVariance(ConstMatrixView matrix) {
  std::vector<double> mean(matrix.cols, 0.0);
  for (size_t i = 0; i < matrix.rows; ++i) {
    for (size_t j = 0; j < matrix.cols; ++j) mean[j] += double{matrix.row(i)[j]};
  }
  for (double& value : mean) value /= static_cast<double>(matrix.rows);
  double sum = 0;
  for (size_t i = 0; i < matrix.rows; ++i) {
    for (size_t j = 0; j < matrix.cols; ++j) {
      const double difference = double{matrix.row(i)[j]} - mean[j];
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(matrix.rows);
}

double Explained(double mapped_error, double identity_error, double moved) {
  if (identity_error == 0) return moved == 0 ? 0 : -1;
  return 1 - mapped_error / identity_error;
}

double Ratio(double value, double divisor) {
  if (divisor == 0) return value == 0 ? 1 : 0;
  return value / divisor;
}

}  // namespace

CardEntry MeasureCard(std::string data, ConstMatrixView z, ConstMatrixView z_target,
                      ConstMatrixView z_mapped) {
  AUGSTORE_CHECK(z.rows >= 1 && z.rows == z_target.rows && z.rows == z_mapped.rows);
  AUGSTORE_CHECK(z.cols == z_target.cols && z.cols == z_mapped.cols);
  double mapped_error = 0;
  double identity_error = 0;
  double moved = 0;
  double cosine_before = 0;
  double cosine_after = 0;
  for (size_t i = 0; i < z.rows; ++i) {
    mapped_error += SquaredDistance(z_mapped.row(i), z_target.row(i));
    identity_error += SquaredDistance(z.row(i), z_target.row(i));
    moved += SquaredDistance(z.row(i), z_mapped.row(i));
    cosine_before += Cosine(z.row(i), z_target.row(i));
    cosine_after += Cosine(z_mapped.row(i), z_target.row(i));
  }
  const double pairs = static_cast<double>(z.rows);
  const double values = pairs * static_cast<double>(z.cols);
  CardEntry entry;
  entry.data = std::move(data);
  entry.pairs = z.rows;
  entry.mse = mapped_error / values;
  entry.identity_mse = identity_error / values;
  entry.explained = Explained(mapped_error, identity_error, moved);
  entry.cosine_before = cosine_before / pairs;
  entry.cosine_after = cosine_after / pairs;
  entry.dispersion = Ratio(TotalVariance(z_mapped), TotalVariance(z_target));
  return entry;
}

}  // namespace augstore
