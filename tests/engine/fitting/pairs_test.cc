#include "engine/fitting/pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace augstore {
namespace {

// Row i is (i, 10 i).
Matrix Counted(size_t rows) {
  Matrix matrix(rows, 2);
  for (size_t i = 0; i < rows; ++i) {
    matrix.row(i)[0] = static_cast<float>(i);
    matrix.row(i)[1] = static_cast<float>(10 * i);
  }
  return matrix;
}

TEST(SplitPairs, KeepsTheViewsOfAnImageTogetherAndJudgesByTheFirst) {
  TransformTrainOptions options;
  options.views = 2;
  options.validation_fraction = 0.5;
  const Matrix z = Counted(40);
  const TransformPairs pairs = SplitPairs(z.view(), z.view(), {}, options);
  std::vector<bool> held_out(20);
  for (size_t i = 0; i < pairs.held_out_z.rows(); ++i) {
    const auto row = static_cast<size_t>(pairs.held_out_z.row(i)[0]);
    ASSERT_LT(row, 20u) << "a second view";
    held_out[row] = true;
  }
  EXPECT_EQ(pairs.train_z.rows(), 2 * (20 - pairs.held_out_z.rows()));
  for (size_t i = 0; i < pairs.train_z.rows(); ++i) {
    EXPECT_FALSE(held_out[static_cast<size_t>(pairs.train_z.row(i)[0]) % 20]);
  }
  EXPECT_TRUE(pairs.non_negative);
}

TEST(GatherRows, CopiesRowsInTheirOrder) {
  const Matrix gathered = GatherRows(Counted(5).view(), std::vector<size_t>{4, 0, 4});
  ASSERT_EQ(gathered.rows(), 3u);
  EXPECT_EQ(gathered.row(0)[1], 40);
  EXPECT_EQ(gathered.row(1)[1], 0);
  EXPECT_EQ(gathered.row(2)[0], 4);
}

TEST(CheckFinite, NamesTheFirstNumberThatIsNot) {
  Matrix matrix = Counted(3);
  EXPECT_TRUE(CheckFinite(matrix.view(), "z").ok());
  matrix.row(1)[1] = INFINITY;
  const Status refused = CheckFinite(matrix.view(), "z");
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.message().rfind("row 1 of z has inf at dimension 1:", 0), 0u)
      << refused.message();
}

}  // namespace
}  // namespace augstore
