// Rows of numbers as bytes: how feature maps are stored and sent.
//
//   row := offset f32 · scale f32 · u8 * values      value i = offset + scale * byte i
//
// offset and scale are each row's own, so that a byte spans exactly the values of its row: the
// error is at most half a scale, which is (largest - smallest) / 255.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_QUANTIZED_ROWS_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_QUANTIZED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

inline constexpr size_t QuantizedRowBytes(uint32_t values) { return 2 * sizeof(float) + values; }

// Does not own its memory, which must outlive the view.
struct QuantizedView {
  std::span<const uint8_t> bytes;
  uint32_t values = 0;  // of each row; 0: there are no rows
  size_t rows() const { return values == 0 ? 0 : bytes.size() / QuantizedRowBytes(values); }
  std::span<const uint8_t> row(size_t i) const {
    return bytes.subspan(i * QuantizedRowBytes(values), QuantizedRowBytes(values));
  }
};

struct QuantizedRows {
  std::vector<uint8_t> bytes;  // rows x QuantizedRowBytes(values)
  uint32_t values = 0;
  bool operator==(const QuantizedRows&) const = default;
  QuantizedView view() const { return {bytes, values}; }
};

// REQUIRES here and below: finite values; sizes that belong together.
void QuantizeRow(std::span<const float> values, std::span<uint8_t> row);
QuantizedRows QuantizeRows(ConstMatrixView values);
void DequantizeRow(std::span<const uint8_t> row, std::span<float> values);
// Whether every value of the row is finite once decoded.
bool IsFiniteRow(std::span<const uint8_t> row);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_QUANTIZED_ROWS_H_
