#include "schemas/quantized_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "schemas/status.h"

namespace augstore {
namespace {

struct Scaling {
  float offset = 0;
  float scale = 0;
};

constexpr float kLevels = 255;

}  // namespace

void QuantizeRow(std::span<const float> values, std::span<uint8_t> row) {
  AUGSTORE_CHECK(!values.empty() && row.size() == sizeof(Scaling) + values.size());
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  // Halved first, so that the range of two finite numbers is finite.
  const Scaling scaling{*low, (*high / 2 - *low / 2) / kLevels * 2};
  std::memcpy(row.data(), &scaling, sizeof scaling);
  uint8_t* const bytes = row.data() + sizeof scaling;
  const float inverse = scaling.scale > 0 ? 1 / scaling.scale : 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float level = (values[i] - scaling.offset) * inverse;
    bytes[i] = static_cast<uint8_t>(std::clamp(level, 0.0F, kLevels) + 0.5F);
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
