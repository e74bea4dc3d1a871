#include "tools/policy/policy_statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tools/cli/statistics.h"

namespace augstore {
namespace {

struct MeanVariance {
  double mean = 0;
  double variance = 0;  // of the mean: sd² / n
};

MeanVariance OfMean(const std::vector<double>& values) {
  const MeanSd summary = Summarise(values);
  return {summary.mean, summary.sd * summary.sd / static_cast<double>(values.size())};
}

}  // namespace

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
  const boost::math::students_t distribution(freedom);
  const double half =
      boost::math::quantile(distribution, 1 - (1 - level) / 2) * std::sqrt(variance);
  return {mean, mean - half, mean + half};
}

}  // namespace augstore
