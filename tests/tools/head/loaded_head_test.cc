#include "tools/head/loaded_head.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace augstore {
namespace {

TEST(Softmax, SumsToOneAlsoForHugeLogits) {
  Matrix p(2, 3);
  std::ranges::copy(std::vector<float>{1000, 1000, -1000}, p.row(0).begin());
  std::ranges::copy(std::vector<float>{0, std::log(2.0f), 0}, p.row(1).begin());
  Softmax(p.view());
  EXPECT_FLOAT_EQ(p.row(0)[0], 0.5f);
  EXPECT_FLOAT_EQ(p.row(0)[2], 0.0f);
  EXPECT_FLOAT_EQ(p.row(1)[1], 0.5f);
}

}  // namespace
}  // namespace augstore
