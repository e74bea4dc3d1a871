#include "engine/math/unit_length.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

TEST(UnitLength, IsWhatARowHasOnceItIsScaled) {
  for (const size_t dim : {1, 7, 8, 100, 480}) {
    Matrix rows = RandomMatrix(5, dim, 3);
    rows.row(1)[0] = 1e30F;  // whose square is no float
    const Matrix before = Copy(rows.view());
    EXPECT_FALSE(HaveUnitLength(rows.view()));
    for (size_t i = 0; i < 5; ++i) EXPECT_TRUE(ScaleToUnitLength(rows.row(i)));
    EXPECT_TRUE(HaveUnitLength(rows.view())) << dim;
    for (size_t c = 1; c < dim; ++c) {
      EXPECT_NEAR(rows.row(0)[c] * before.row(0)[0], rows.row(0)[0] * before.row(0)[c], 1e-6);
    }
  }
}

TEST(UnitLength, IsKnownUpToRounding) {
  Matrix rows = RandomMatrix(4, 100, 5);
  for (size_t i = 0; i < 4; ++i) ScaleToUnitLength(rows.row(i));
  for (float& value : rows.row(3)) value *= 1.00005F;
  EXPECT_TRUE(HaveUnitLength(rows.view()));
  for (float& value : rows.row(3)) value *= 1.0002F;
  EXPECT_FALSE(HaveUnitLength(rows.view()));
  EXPECT_FALSE(HaveUnitLength(rows.view().Slice(0, 0)));
}

TEST(UnitLength, CannotBeGivenToZerosAndWhatIsNoNumber) {
  std::vector<float> zeros(9);
  EXPECT_FALSE(ScaleToUnitLength(zeros));
  EXPECT_EQ(zeros, std::vector<float>(9));
  std::vector<float> infinite = {1, std::numeric_limits<float>::infinity()};
  EXPECT_FALSE(ScaleToUnitLength(infinite));
  EXPECT_EQ(infinite[0], 1);
  Matrix nan(1, 2);
  nan.row(0)[0] = std::nanf("");
  EXPECT_FALSE(ScaleToUnitLength(nan.row(0)));
  EXPECT_FALSE(HaveUnitLength(nan.view()));
}

}  // namespace
}  // namespace augstore
