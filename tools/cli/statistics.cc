#include "tools/cli/statistics.h"

#include <cmath>

namespace augstore {

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

}  // namespace augstore
