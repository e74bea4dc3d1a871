#include "tools/cli/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "schemas/base/status.h"

namespace augstore {
namespace {

double StudentQuantile(double freedom, double p) {
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

// The means of paired values, and the variances and the covariance of these means.
struct PairedMeans {
  double x = 0;
  double y = 0;
  double xx = 0;
  double xy = 0;
  double yy = 0;
};
PairedMeans PairMeans(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  PairedMeans out{Summarise(x).mean, Summarise(y).mean, 0, 0, 0};
  for (size_t i = 0; i < x.size(); ++i) {
    out.xx += (x[i] - out.x) * (x[i] - out.x) / (n * (n - 1));
    out.xy += (x[i] - out.x) * (y[i] - out.y) / (n * (n - 1));
    out.yy += (y[i] - out.y) * (y[i] - out.y) / (n * (n - 1));
  }
  return out;
}

struct MeanVariance {
  double mean = 0;
  double variance = 0;  // of the mean: sd² / n
};

MeanVariance OfMean(const std::vector<double>& values) {
  const MeanSd summary = Summarise(values);
  return {summary.mean, summary.sd * summary.sd / static_cast<double>(values.size())};
}

}  // namespace

MeanSd Summarise(const std::vector<double>& values) {
  MeanSd out;
  if (values.empty()) return out;
  for (const double value : values) out.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return out;
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  out.sd = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return out;
}

std::vector<double> RowMeans(const Matrix& values) {
  std::vector<double> means;
  for (size_t i = 0; i < values.rows(); ++i) {
    const auto row = values.row(i);
    means.push_back(std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size()));
  }
  return means;
}

std::string PercentText(const MeanSd& value) {
  return fmt::format("{:.1f} ± {:.1f}", 100 * value.mean, 100 * value.sd);
}

Gap MeasureGap(const std::vector<double>& none, const std::vector<double>& row,
               const std::vector<double>& pixel) {
  AUGSTORE_CHECK(none.size() == row.size() && none.size() == pixel.size());
  std::vector<double> gained;
  std::vector<double> gap;
  for (size_t seed = 0; seed < none.size(); ++seed) {
    gained.push_back(row[seed] - none[seed]);
    gap.push_back(pixel[seed] - none[seed]);
  }
  Gap out;
  if (none.size() < 2) return out;
  const double t = StudentQuantile(static_cast<double>(none.size() - 1), 0.975);
  const PairedMeans means = PairMeans(gained, gap);
  const double a = means.y * means.y - t * t * means.yy;
  out.significant = means.y > 0 && a > 0;
  if (!out.significant) return out;
  const double b = means.x * means.y - t * t * means.xy;
  const double c = means.x * means.x - t * t * means.xx;
  const double root = std::sqrt(std::max(b * b - a * c, 0.0));
  out.closed = means.x / means.y;
  out.low = (b - root) / a;
  out.high = (b + root) / a;
  return out;
}

std::string GapText(const Gap& gap) {
  if (!gap.significant) return "no gap";
  return fmt::format("{:.0f} % [{:.0f}, {:.0f}]", 100 * gap.closed, 100 * gap.low, 100 * gap.high);
}

PolicyDifference PairedDifference(const Matrix& a, const Matrix& b, double level) {
  AUGSTORE_CHECK(a.rows() == b.rows() && a.cols() == b.cols() && a.rows() > 0 && a.cols() > 0);
  const auto difference = [&](size_t s, size_t i) {
    return static_cast<double>(a.row(s)[i]) - static_cast<double>(b.row(s)[i]);
  };
  std::vector<double> seeds(a.rows());
  std::vector<double> samples(a.cols());
  for (size_t s = 0; s < a.rows(); ++s) {
    for (size_t i = 0; i < a.cols(); ++i) {
      seeds[s] += difference(s, i) / static_cast<double>(a.cols());
      samples[i] += difference(s, i) / static_cast<double>(a.rows());
    }
  }
  const MeanVariance of_seeds = OfMean(seeds);
  const MeanVariance of_samples = OfMean(samples);
  const double mean = of_seeds.mean;
  if (a.rows() < 2 || a.cols() < 2) {
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    return {mean, unknown, unknown};
  }
  double squares = 0;  // of what neither the seed nor the sample explains
  for (size_t s = 0; s < a.rows(); ++s) {
    for (size_t i = 0; i < a.cols(); ++i) {
      const double rest = difference(s, i) - seeds[s] - samples[i] + mean;
      squares += rest * rest;
    }
  }
  const double seed_freedom = static_cast<double>(a.rows() - 1);
  const double sample_freedom = static_cast<double>(a.cols() - 1);
  const double rest_freedom = seed_freedom * sample_freedom;
  const double of_rest = squares / rest_freedom / static_cast<double>(a.rows() * a.cols());
  const double variance = std::max(
      {of_seeds.variance + of_samples.variance - of_rest, of_seeds.variance, of_samples.variance});
  if (!(variance > 0)) return {mean, mean, mean};
  const double freedom = variance * variance /
                         (of_seeds.variance * of_seeds.variance / seed_freedom +
                          of_samples.variance * of_samples.variance / sample_freedom +
                          of_rest * of_rest / rest_freedom);
  const double half = StudentQuantile(freedom, 1 - (1 - level) / 2) * std::sqrt(variance);
  return {mean, mean - half, mean + half};
}

}  // namespace augstore
