#include "engine/math/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

double R2(double error, double baseline) {
  if (baseline == 0) return error == 0 ? 0 : -1;
  return 1 - error / baseline;
}

// Calls visit(i) for each of the n draws of one resample. A draw is 32 bits of a Philox block of
// four, scaled to [0, n).
template <typename Visit>
void Resample(uint64_t seed, uint64_t resample, size_t n, Visit visit) {
  for (size_t begin = 0; begin < n; begin += 4) {
    const std::array<uint32_t, 4> bits = PhiloxBits(seed, RngUse::kBootstrap, resample, begin / 4);
    const size_t count = std::min<size_t>(4, n - begin);
    for (size_t i = 0; i < count; ++i) visit(static_cast<size_t>(bits[i] * uint64_t{n} >> 32));
  }
}

// Between neighbours of sorted values, linearly.
double Quantile(const std::vector<double>& sorted, double part) {
  const double position = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - std::floor(position)) * (sorted[above] - sorted[below]);
}

Interval Middle95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {Quantile(values, 0.025), Quantile(values, 0.975)};
}

}  // namespace

std::vector<double> SquaredDistances(ConstMatrixView a, ConstMatrixView b) {
  AUGSTORE_CHECK(a.rows == b.rows && a.cols == b.cols);
  std::vector<double> distances(a.rows);
  for (size_t row = 0; row < a.rows; ++row) {
    const float* left = a.row(row).data();
    const float* right = b.row(row).data();
    double sum = 0;
    for (size_t i = 0; i < a.cols; ++i) {
      const double difference = double{left[i]} - double{right[i]};
      sum += difference * difference;
    }
    distances[row] = sum;
  }
  return distances;
}

double R2Of(std::span<const double> errors, std::span<const double> baselines) {
  AUGSTORE_CHECK(errors.size() == baselines.size());
  double error = 0;
  double baseline = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    error += errors[i];
    baseline += baselines[i];
  }
  return R2(error, baseline);
}

Interval BootstrapR2(std::span<const double> errors, std::span<const double> baselines,
                     uint64_t seed) {
  AUGSTORE_CHECK(errors.size() == baselines.size());
  if (errors.empty()) return {};
  std::vector<double> values(kResamples);
  for (uint32_t resample = 0; resample < kResamples; ++resample) {
    double error = 0;
    double baseline = 0;
    Resample(seed, resample, errors.size(), [&](size_t i) {
      error += errors[i];
      baseline += baselines[i];
    });
    values[resample] = R2(error, baseline);
  }
  return Middle95(std::move(values));
}

Interval BootstrapR2Difference(std::span<const double> errors_a, std::span<const double> errors_b,
                               std::span<const double> baselines, uint64_t seed) {
  AUGSTORE_CHECK(errors_a.size() == baselines.size() && errors_b.size() == baselines.size());
  if (baselines.empty()) return {};
  std::vector<double> values(kResamples);
  for (uint32_t resample = 0; resample < kResamples; ++resample) {
    double error_a = 0;
    double error_b = 0;
    double baseline = 0;
    Resample(seed, resample, baselines.size(), [&](size_t i) {
      error_a += errors_a[i];
      error_b += errors_b[i];
      baseline += baselines[i];
    });
    values[resample] = R2(error_a, baseline) - R2(error_b, baseline);
  }
  return Middle95(std::move(values));
}

}  // namespace augstore
