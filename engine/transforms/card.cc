#include "engine/transforms/card.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/math/bootstrap.h"

namespace augstore {
namespace {

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

double Sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double Ratio(double value, double divisor) {
  if (divisor == 0) return value == 0 ? 1 : 0;
  return value / divisor;
}

// The sums of `values` over pairs of equal id, by id.
std::vector<double> SumsOf(std::span<const double> values, std::span<const size_t> ids) {
  std::map<size_t, double> sums;
  for (size_t i = 0; i < ids.size(); ++i) sums[ids[i]] += values[i];
  std::vector<double> result;
  result.reserve(sums.size());
  for (const auto& [id, sum] : sums) result.push_back(sum);
  return result;
}

Interval R2Interval(const std::vector<double>& errors, const std::vector<double>& baselines,
                    const CardGroups& groups) {
  if (groups.ids.empty()) return BootstrapR2(errors, baselines, groups.seed);
  AUGSTORE_CHECK(groups.ids.size() == errors.size());
  return BootstrapR2(SumsOf(errors, groups.ids), SumsOf(baselines, groups.ids), groups.seed);
}

constexpr size_t kTimedRows = 256;

}  // namespace

CardEntry MeasureCard(std::string data, ConstMatrixView z, ConstMatrixView z_target,
                      ConstMatrixView z_mapped, const CardGroups& groups) {
  AUGSTORE_CHECK(z.rows >= 1 && z.rows == z_target.rows && z.rows == z_mapped.rows);
  AUGSTORE_CHECK(z.cols == z_target.cols && z.cols == z_mapped.cols);
  const std::vector<double> errors = SquaredDistances(z_mapped, z_target);
  const std::vector<double> baselines = SquaredDistances(z, z_target);
  double cosine_before = 0;
  double cosine_after = 0;
  for (size_t i = 0; i < z.rows; ++i) {
    cosine_before += Cosine(z.row(i), z_target.row(i));
    cosine_after += Cosine(z_mapped.row(i), z_target.row(i));
  }
  const double pairs = static_cast<double>(z.rows);
  const double values = pairs * static_cast<double>(z.cols);
  CardEntry entry;
  entry.data = std::move(data);
  entry.pairs = z.rows;
  entry.mse = Sum(errors) / values;
  entry.identity_mse = Sum(baselines) / values;
  entry.r2 = R2Of(errors, baselines);
  const Interval interval = R2Interval(errors, baselines, groups);
  entry.r2_low = std::min(interval.low, entry.r2);
  entry.r2_high = std::max(interval.high, entry.r2);
  entry.cosine_before = cosine_before / pairs;
  entry.cosine_after = cosine_after / pairs;
  entry.dispersion = Ratio(TotalVariance(z_mapped), TotalVariance(z_target));
  return entry;
}

double MeasureInverse(ConstMatrixView z, ConstMatrixView there, ConstMatrixView back) {
  const double moved = Sum(SquaredDistances(there, z));
  const double left = Sum(SquaredDistances(back, z));
  if (moved == 0) return left == 0 ? 1 : 0;
  return 1 - left / moved;
}

Matrix TimedRows(ConstMatrixView sample) {
  if (sample.rows == 0) return {};
  Matrix rows(kTimedRows, sample.cols);
  for (size_t i = 0; i < kTimedRows; ++i) {
    std::ranges::copy(sample.row(i % sample.rows), rows.row(i).begin());
  }
  return rows;
}

Result<double> MeasureMicrosPerRow(ConstMatrixView sample, const ApplyRows& apply) {
  AUGSTORE_CHECK(sample.rows >= 1);
  constexpr size_t kMinCalls = 5;
  constexpr size_t kMaxCalls = 1000;
  constexpr double kBudgetMicros = 50'000;
  const Matrix in = TimedRows(sample);
  Matrix out(kTimedRows, sample.cols);
  AUGSTORE_TRY(apply(in.view(), out.view()));
  std::vector<double> micros;
  double total = 0;
  while (micros.size() < kMinCalls || (micros.size() < kMaxCalls && total < kBudgetMicros)) {
    const auto start = std::chrono::steady_clock::now();
    AUGSTORE_TRY(apply(in.view(), out.view()));
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - start;
    micros.push_back(taken.count());
    total += taken.count();
  }
  std::ranges::nth_element(micros, micros.begin() + static_cast<ptrdiff_t>(micros.size() / 2));
  return micros[micros.size() / 2] / kTimedRows;
}

}  // namespace augstore
