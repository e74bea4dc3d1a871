// The element types of embeddings where they are kept or sent, and the precisions of arithmetic on
// them. In memory and in every interface an embedding is f32.
//
//   dtype   bytes of a row of d values   error of a value
//   f32     4 d                          none
//   f16     2 d                          half a unit in the 11th bit: 1/2048 of the value
//   u8      8 + d                        half a step of the row: (largest - smallest) / 510
//
// A row's bytes depend on that row alone and are the same on every processor.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_DTYPE_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "schemas/base/types.h"

namespace augstore {

// On disk and on the wire: never change a number.
enum class Dtype : uint8_t {
  kF32 = 0,
  kU8 = 1,   // rows of schemas/weights/quantized_rows.h
  kF16 = 2,  // IEEE 754 binary16, rounded to nearest, ties to even
};
std::string_view DtypeName(Dtype dtype);  // "f32", "u8", "f16"
// Errors: kInvalidArgument, naming the known ones.
Result<Dtype> ParseDtype(std::string_view text);
// Of a stored or sent number: false when there is no such dtype.
bool IsDtype(uint8_t number);

// How transforms are computed (engine/kernels/engine.h). On the wire: never change a number.
enum class Precision : uint8_t { kF32 = 0, kInt8 = 1 };
std::string_view PrecisionName(Precision precision);  // "f32", "int8"
// Errors: kInvalidArgument, naming the known ones.
Result<Precision> ParsePrecision(std::string_view text);
bool IsPrecision(uint8_t number);

// Bytes of one row of `dim` values.
size_t RowBytes(Dtype dtype, size_t dim);
// Whether every value has a finite counterpart. REQUIRES: finite values.
bool FitsDtype(Dtype dtype, std::span<const float> values);
// Those that hold larger values than this one, for messages: "f32 or u8".
std::string_view WiderDtypes(Dtype dtype);
// REQUIRES here and below: bytes.size() == RowBytes(dtype, values.size()). EncodeRow REQUIRES:
// FitsDtype.
void EncodeRow(Dtype dtype, std::span<const float> values, std::span<uint8_t> bytes);
void DecodeRow(Dtype dtype, std::span<const uint8_t> bytes, std::span<float> values);
// values[i] becomes what encoding and decoding in this dtype returns.
void RoundRow(Dtype dtype, std::span<float> values);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_DTYPE_H_
