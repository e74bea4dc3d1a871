#include "engine/math/unit_length.h"

#include <array>
#include <cmath>
#include <limits>

namespace augstore {
namespace {

constexpr double kTolerance = 1e-4;

// In lanes that the compiler can take at once. In double no square of a float overflows.
double LengthOf(std::span<const float> row) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double value = row[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < row.size(); ++i) sums[0] += double{row[i]} * row[i];
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

}  // namespace

bool HaveUnitLength(ConstMatrixView rows) {
  for (size_t i = 0; i < rows.rows; ++i) {
    if (!(std::fabs(LengthOf(rows.row(i)) - 1) <= kTolerance)) return false;
  }
  return rows.rows > 0;
}

bool ScaleToUnitLength(std::span<float> row) {
  const double length = LengthOf(row);
  if (!(length > 0 && length <= std::numeric_limits<double>::max())) return false;
  const double inverse = 1 / length;
  for (float& value : row) value = static_cast<float>(value * inverse);
  return true;
}

}  // namespace augstore
