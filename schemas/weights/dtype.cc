#include "schemas/weights/dtype.h"

#include <array>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "schemas/weights/quantized_rows.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace augstore {
namespace {

constexpr std::array<std::pair<Dtype, std::string_view>, 3> kDtypes = {
    {{Dtype::kF32, "f32"}, {Dtype::kF16, "f16"}, {Dtype::kU8, "u8"}}};
constexpr std::array<std::pair<Precision, std::string_view>, 2> kPrecisions = {
    {{Precision::kF32, "f32"}, {Precision::kInt8, "int8"}}};

// Larger ones round to infinity.
constexpr float kLargestF16 = 65504;
// Below half of what f32 holds, so that no sum of offset and steps overflows.
constexpr float kLargestU8 = 0x1p126F;

template <typename T, size_t kCount>
std::string_view NameOf(const std::array<std::pair<T, std::string_view>, kCount>& names, T value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "unknown";
}

template <typename T, size_t kCount>
Result<T> Parse(const std::array<std::pair<T, std::string_view>, kCount>& names,
                std::string_view what, std::string_view text) {
  std::string all;
  for (const auto& [known, name] : names) {
    if (name == text) return known;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return InvalidArgument("{} '{}' is not one of {}", what, text, all);
}

using HalfBits = uint16_t;
// Clang 14 has no _Float16 on x86-64, but a type that converts alike (with -mf16c).
#if defined(__FLT16_MAX__)
using Half = _Float16;
#else
using Half = __fp16;
#endif

// Plain conversions: the compiler's own where the processor has none.
void ToHalf(const float* values, size_t count, uint8_t* bytes) {
  for (size_t i = 0; i < count; ++i) {
    const auto half = static_cast<Half>(values[i]);
    std::memcpy(bytes + i * sizeof half, &half, sizeof half);
  }
}

void FromHalf(const uint8_t* bytes, size_t count, float* values) {
  for (size_t i = 0; i < count; ++i) {
    Half half;
    std::memcpy(&half, bytes + i * sizeof half, sizeof half);
    values[i] = static_cast<float>(half);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) void ToHalfFast(const float* values, size_t count,
                                                    uint8_t* bytes) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + i * sizeof(HalfBits)), half);
  }
  ToHalf(values + i, count - i, bytes + i * sizeof(HalfBits));
}

__attribute__((target("avx,f16c"))) void FromHalfFast(const uint8_t* bytes, size_t count,
                                                      float* values) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const auto* half = reinterpret_cast<const __m128i*>(bytes + i * sizeof(HalfBits));
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(_mm_loadu_si128(half)));
  }
  FromHalf(bytes + i * sizeof(HalfBits), count - i, values + i);
}

// Clang 14 does not know "f16c" as a name for __builtin_cpu_supports.
bool CpuidHasF16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

bool HasF16c() {
  static const bool has = __builtin_cpu_supports("avx") && CpuidHasF16c();
  return has;
}
#else
void ToHalfFast(const float* values, size_t count, uint8_t* bytes) { ToHalf(values, count, bytes); }
void FromHalfFast(const uint8_t* bytes, size_t count, float* values) {
  FromHalf(bytes, count, values);
}
bool HasF16c() { return false; }
#endif

}  // namespace

std::string_view DtypeName(Dtype dtype) { return NameOf(kDtypes, dtype); }
Result<Dtype> ParseDtype(std::string_view text) { return Parse(kDtypes, "dtype", text); }
bool IsDtype(uint8_t number) { return number <= static_cast<uint8_t>(Dtype::kF16); }

std::string_view PrecisionName(Precision precision) { return NameOf(kPrecisions, precision); }
Result<Precision> ParsePrecision(std::string_view text) {
  return Parse(kPrecisions, "precision", text);
}
bool IsPrecision(uint8_t number) { return number <= static_cast<uint8_t>(Precision::kInt8); }

size_t RowBytes(Dtype dtype, size_t dim) {
  switch (dtype) {
    case Dtype::kF32:
      return dim * sizeof(float);
    case Dtype::kU8:
      return QuantizedRowBytes(static_cast<uint32_t>(dim));
    case Dtype::kF16:
      return dim * sizeof(HalfBits);
  }
  AUGSTORE_CHECK(false);
}

bool FitsDtype(Dtype dtype, std::span<const float> values) {
  if (dtype == Dtype::kF32) return true;
  const float largest = dtype == Dtype::kF16 ? kLargestF16 : kLargestU8;
  bool fits = true;
  for (const float value : values) fits &= std::fabs(value) <= largest;
  return fits;
}

std::string_view WiderDtypes(Dtype dtype) { return dtype == Dtype::kF16 ? "f32 or u8" : "f32"; }

void EncodeRow(Dtype dtype, std::span<const float> values, std::span<uint8_t> bytes) {
  AUGSTORE_CHECK(bytes.size() == RowBytes(dtype, values.size()));
  if (values.empty()) return;
  switch (dtype) {
    case Dtype::kF32:
      std::memcpy(bytes.data(), values.data(), bytes.size());
      return;
    case Dtype::kU8:
      return QuantizeRow(values, bytes);
    case Dtype::kF16:
      return (HasF16c() ? ToHalfFast : ToHalf)(values.data(), values.size(), bytes.data());
  }
}

void DecodeRow(Dtype dtype, std::span<const uint8_t> bytes, std::span<float> values) {
  AUGSTORE_CHECK(bytes.size() == RowBytes(dtype, values.size()));
  if (values.empty()) return;
  switch (dtype) {
    case Dtype::kF32:
      std::memcpy(values.data(), bytes.data(), bytes.size());
      return;
    case Dtype::kU8:
      return DequantizeRow(bytes, values);
    case Dtype::kF16:
      return (HasF16c() ? FromHalfFast : FromHalf)(bytes.data(), values.size(), values.data());
  }
}

void RoundRow(Dtype dtype, std::span<float> values) {
  if (dtype == Dtype::kF32) return;
  std::vector<uint8_t> bytes(RowBytes(dtype, values.size()));
  EncodeRow(dtype, values, bytes);
  DecodeRow(dtype, bytes, values);
}

}  // namespace augstore
