#include "schemas/weights/quantized_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "schemas/base/status.h"

namespace augstore {
namespace {

struct Scaling {
  float offset = 0;
  float scale = 0;
};

constexpr float kLevels = 255;

// The smallest and the largest value, in lanes that the compiler can take at once.
std::pair<float, float> Extremes(std::span<const float> values) {
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> low;
  std::array<float, kLanes> high;
  low.fill(values.front());
  high.fill(values.front());
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
    }
  }
  for (; i < values.size(); ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  return {*std::ranges::min_element(low), *std::ranges::max_element(high)};
}

}  // namespace

void QuantizeRow(std::span<const float> values, std::span<uint8_t> row) {
  AUGSTORE_CHECK(!values.empty() && row.size() == sizeof(Scaling) + values.size());
  const auto [low, high] = Extremes(values);
  // Halved first, so that the range of two finite numbers is finite.
  const Scaling scaling{low, (high / 2 - low / 2) / kLevels * 2};
  std::memcpy(row.data(), &scaling, sizeof scaling);
  uint8_t* const bytes = row.data() + sizeof scaling;
  // A range whose inverse is infinite is smaller than what f32 can tell apart.
  const float inverse = scaling.scale >= std::numeric_limits<float>::min() ? 1 / scaling.scale : 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float level = (values[i] - scaling.offset) * inverse;
    const float bounded = level < 0 ? 0 : (level > kLevels ? kLevels : level);
    // Right for what is not negative, and taken for several values at once, as lround is not.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    bytes[i] = static_cast<uint8_t>(static_cast<int32_t>(bounded + 0.5F));
  }
}

QuantizedRows QuantizeRows(ConstMatrixView values) {
  QuantizedRows rows;
  rows.values = static_cast<uint32_t>(values.cols);
  const size_t row_bytes = QuantizedRowBytes(rows.values);
  rows.bytes.resize(values.rows * row_bytes);
  for (size_t i = 0; i < values.rows; ++i) {
    QuantizeRow(values.row(i), std::span(rows.bytes).subspan(i * row_bytes, row_bytes));
  }
  return rows;
}

void DequantizeRow(std::span<const uint8_t> row, std::span<float> values) {
  AUGSTORE_CHECK(row.size() == sizeof(Scaling) + values.size());
  Scaling scaling;
  std::memcpy(&scaling, row.data(), sizeof scaling);
  const uint8_t* const bytes = row.data() + sizeof scaling;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = scaling.offset + scaling.scale * static_cast<float>(bytes[i]);
  }
}

bool IsFiniteRow(std::span<const uint8_t> row) {
  AUGSTORE_CHECK(row.size() >= sizeof(Scaling));
  Scaling scaling;
  std::memcpy(&scaling, row.data(), sizeof scaling);
  return std::isfinite(scaling.offset) && std::isfinite(scaling.scale) &&
         std::isfinite(scaling.offset + kLevels * scaling.scale);
}

}  // namespace augstore
