#include "tools/compare/gap.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "schemas/base/status.h"
#include "tools/cli/statistics.h"

namespace augstore {
namespace {

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

}  // namespace

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
  const boost::math::students_t distribution(static_cast<double>(none.size() - 1));
  const double t = boost::math::quantile(distribution, 0.975);
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

}  // namespace augstore
