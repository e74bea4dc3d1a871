#include "tools/cli/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(ParseDuration("90d").value(), 90u * 86400);
  EXPECT_EQ(ParseDuration("12h").value(), 12u * 3600);
  EXPECT_EQ(ParseDuration("30m").value(), 1800u);
  EXPECT_EQ(ParseDuration("45s").value(), 45u);
}

TEST(Duration, IsRefusedWithAnExample) {
  for (const char* text : {"", "0d", "1", "d", "1w", "-1d", "1.5h", "99999999999d", "1d ", " 1d"}) {
    const auto refused = ParseDuration(text);
    EXPECT_EQ(refused.status().code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(refused.status().message(), testing::HasSubstr("90d")) << text;
  }
}

}  // namespace
}  // namespace augstore
