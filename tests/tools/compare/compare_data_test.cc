#include "tools/compare/compare_data.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(ComparePhiCalls, CountsViewsAndPixelSpace) {
  CompareFlags flags;
  flags.ops = {"vflip", "rotate(15)"};
  flags.epochs = 10;
  flags.seeds = 3;
  const uint64_t views = 50 + (200 + 100) * 3;
  EXPECT_EQ(ComparePhiCalls(flags, 50, 200, 100), views + 50 * 10 * 3 * 2);
  flags.joint = true;
  EXPECT_EQ(ComparePhiCalls(flags, 50, 200, 100), views + 50 * 10 * 3);
  flags.no_pixel = true;
  EXPECT_EQ(ComparePhiCalls(flags, 50, 200, 100), views);
}

}  // namespace
}  // namespace augstore
