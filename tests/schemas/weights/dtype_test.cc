#include "schemas/weights/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace augstore {
namespace {

std::vector<float> Rounded(Dtype dtype, std::vector<float> values) {
  EXPECT_TRUE(FitsDtype(dtype, values));
  RoundRow(dtype, values);
  return values;
}

TEST(Dtype, IsNamedAndParsed) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8}) {
    EXPECT_EQ(ParseDtype(DtypeName(dtype)).value(), dtype);
    EXPECT_TRUE(IsDtype(static_cast<uint8_t>(dtype)));
  }
  EXPECT_FALSE(IsDtype(3));
  const Status unknown = ParseDtype("bf16").status();
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_EQ(unknown.message(), "dtype 'bf16' is not one of f32, f16, u8");
}

TEST(Precision, IsNamedAndParsed) {
  for (const Precision precision : {Precision::kF32, Precision::kInt8}) {
    EXPECT_EQ(ParsePrecision(PrecisionName(precision)).value(), precision);
  }
  EXPECT_FALSE(IsPrecision(2));
  EXPECT_EQ(ParsePrecision("fast").status().message(), "precision 'fast' is not one of f32, int8");
}

TEST(Dtype, TellsTheBytesOfARow) {
  EXPECT_EQ(RowBytes(Dtype::kF32, 512), 2048u);
  EXPECT_EQ(RowBytes(Dtype::kF16, 512), 1024u);
  EXPECT_EQ(RowBytes(Dtype::kU8, 512), 520u);
}

TEST(Dtype, F32ChangesNothing) {
  const std::vector<float> values = {1.0F / 3, -0.0F, std::numeric_limits<float>::max(), 1e-45F};
  EXPECT_EQ(Rounded(Dtype::kF32, values), values);
}

TEST(Dtype, F16RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(Rounded(Dtype::kF16, {1, -2.5F, 0, 65504, -65504, 0x1p-24F}),
            (std::vector<float>{1, -2.5F, 0, 65504, -65504, 0x1p-24F}));
  // Between 1 and 1 + 2^-10, and between 1 + 2^-10 and 1 + 2^-9.
  EXPECT_EQ(Rounded(Dtype::kF16, {1 + 0x1p-11F, 1 + 3 * 0x1p-11F, 1 + 0x1.8p-11F}),
            (std::vector<float>{1, 1 + 0x1p-9F, 1 + 0x1p-10F}));
  EXPECT_EQ(Rounded(Dtype::kF16, {0x1p-26F}), std::vector<float>{0});
}

// Eight values at once where the processor can, the rest one by one: both must say the same.
TEST(Dtype, F16IsTheSameAtEveryPlaceOfARow) {
  std::vector<float> values(8 + 7);
  for (int i = 0; i < 100000; ++i) {
    const float value = std::ldexp(std::sin(static_cast<float>(i)), i % 40 - 25);
    values[0] = value;
    values[14] = value;
    RoundRow(Dtype::kF16, values);
    ASSERT_EQ(values[0], values[14]) << value;
    ASSERT_NEAR(values[0], value, std::max(std::fabs(value) / 2048, 0x1p-25F)) << value;
  }
}

TEST(Dtype, U8StaysWithinHalfAStepOfItsRow) {
  std::vector<float> values;
  for (int i = 0; i < 513; ++i) values.push_back(std::cos(static_cast<float>(i)) * 5 + 1);
  const std::vector<float> rounded = Rounded(Dtype::kU8, values);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(rounded[i], values[i], 10.0 / 255 / 2 + 1e-5) << i;
  }
}

TEST(Dtype, RefusesWhatItCannotHold) {
  EXPECT_FALSE(FitsDtype(Dtype::kF16, std::vector<float>{1, 65505}));
  EXPECT_FALSE(FitsDtype(Dtype::kU8, std::vector<float>{-0x1p127F}));
  EXPECT_TRUE(FitsDtype(Dtype::kU8, std::vector<float>{-0x1p126F, 0x1p126F}));
  for (const float value : Rounded(Dtype::kU8, {-0x1p126F, 3, 0x1p126F})) {
    EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Dtype, U8KeepsARowWhoseRangeIsNextToNothing) {
  const std::vector<float> tiny = {1e-44F, 2e-44F, 3e-44F};
  for (const float value : Rounded(Dtype::kU8, tiny)) EXPECT_NEAR(value, 2e-44F, 2e-44F);
}

}  // namespace
}  // namespace augstore
