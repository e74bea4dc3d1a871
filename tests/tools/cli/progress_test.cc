#include "tools/cli/progress.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(Progress, CountsAreShownWithThreeDigitsAndASuffix) {
  EXPECT_EQ(HumanCount(0), "0.00");
  EXPECT_EQ(HumanCount(935), "935");
  EXPECT_EQ(HumanCount(1234), "1.23k");
  EXPECT_EQ(HumanCount(56'700'000), "56.7M");
}

TEST(Progress, BytesAreShownInBinaryUnits) {
  EXPECT_EQ(HumanBytes(512), "512 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(3.0 * (1 << 30)), "3.0 GiB");
}

TEST(Progress, PrintsNothingWhenDisabledOrQuick) {
  testing::internal::CaptureStderr();
  {
    Progress disabled("a", "rows", 10, false);
    disabled.Update(10);
    Progress quick("b", "rows", 10, true);
    quick.Update(10);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace augstore
