#include "tools/cli/statistics.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(Summarise, TakesTheSampleStandardDeviation) {
  const MeanSd summary = Summarise({1, 2, 3});
  EXPECT_DOUBLE_EQ(summary.mean, 2);
  EXPECT_DOUBLE_EQ(summary.sd, 1);
}

TEST(Summarise, OneValueHasNoSpreadAndNoValuesAreZero) {
  EXPECT_EQ(Summarise({5}).mean, 5);
  EXPECT_EQ(Summarise({5}).sd, 0);
  EXPECT_EQ(Summarise({}).mean, 0);
}

}  // namespace
}  // namespace augstore
