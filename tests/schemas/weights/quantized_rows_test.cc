#include "schemas/weights/quantized_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace augstore {
namespace {

std::vector<float> RoundTrip(const std::vector<float>& values) {
  std::vector<uint8_t> row(QuantizedRowBytes(static_cast<uint32_t>(values.size())));
  QuantizeRow(values, row);
  EXPECT_TRUE(IsFiniteRow(row));
  std::vector<float> back(values.size());
  DequantizeRow(row, back);
  return back;
}

TEST(QuantizedRows, StayWithinHalfALevelOfTheirValues) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(std::sin(static_cast<float>(i)) * 7 - 2);
  const std::vector<float> back = RoundTrip(values);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(back[i], values[i], 14.0 / 255 / 2 + 1e-5);
}

TEST(QuantizedRows, KeepTheSmallestAndTheLargestValue) {
  const std::vector<float> back = RoundTrip({0, 0.25F, 3});
  EXPECT_EQ(back[0], 0);
  EXPECT_NEAR(back[2], 3, 1e-6);
}

TEST(QuantizedRows, KeepOneValueAndTheWidestRangeThatThereIs) {
  EXPECT_EQ(RoundTrip({4.5F, 4.5F}), (std::vector<float>{4.5F, 4.5F}));
  EXPECT_EQ(RoundTrip({-1}), std::vector<float>{-1});
  const float most = std::numeric_limits<float>::max() / 4;
  const std::vector<float> back = RoundTrip({-most, 0, most});
  EXPECT_EQ(back[0], -most);
  EXPECT_LT(std::abs(back[1]), most / 100);
}

TEST(QuantizedRows, StandOneBehindTheOther) {
  Matrix values(3, 4);
  for (size_t i = 0; i < 12; ++i) values.data()[i] = static_cast<float>(i);
  const QuantizedRows rows = QuantizeRows(std::as_const(values).view());
  EXPECT_EQ(rows.bytes.size(), 3 * QuantizedRowBytes(4));
  EXPECT_EQ(rows.view().rows(), 3u);
  std::vector<float> back(4);
  DequantizeRow(rows.view().row(2), back);
  EXPECT_NEAR(back[3], 11, 1e-5);
  EXPECT_EQ(QuantizedView().rows(), 0u);
}

TEST(QuantizedRows, SayWhenTheyAreNotFinite) {
  std::vector<uint8_t> row(QuantizedRowBytes(3));
  QuantizeRow(std::vector<float>{1, 2, 3}, row);
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 2e38F}) {
    std::vector<uint8_t> damaged = row;
    std::memcpy(damaged.data() + sizeof(float), &bad, sizeof bad);  // the scale
    EXPECT_FALSE(IsFiniteRow(damaged)) << bad;
  }
}

}  // namespace
}  // namespace augstore
