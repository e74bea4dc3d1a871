#include "schemas/base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace augstore {
namespace {

Status FailWhen(bool fail) {
  if (fail) return NotFound("thing '{}' does not exist", 7);
  return OkStatus();
}

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("{} is odd: give an even number", value);
  return value / 2;
}

Result<int> Quarter(int value) {
  AUGSTORE_ASSIGN(const int half, Half(value));
  AUGSTORE_ASSIGN(const int quarter, Half(half));
  return quarter;
}

Status TryBoth(bool first, int second) {
  AUGSTORE_TRY(FailWhen(first));
  AUGSTORE_TRY(Half(second));
  return OkStatus();
}

TEST(Status, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.ToString(), "Ok");
  EXPECT_TRUE(status.WithContext("reading").ok());
}

TEST(Status, PrintsItsCodeAndMessage) {
  const Status status = FailWhen(true);
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.ToString(), "NotFound: thing '7' does not exist");
}

TEST(Status, PutsTheContextBeforeTheMessageAndKeepsTheCode) {
  const Status status = FailWhen(true).WithContext("reading x");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "reading x: thing '7' does not exist");
}

TEST(Status, NamesEveryCodeDifferently) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    names.insert(CodeName(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), 12U);
  EXPECT_FALSE(names.contains("Unknown"));
  EXPECT_EQ(CodeName(static_cast<Code>(200)), "Unknown");
}

TEST(Result, HoldsAValueOrAStatus) {
  EXPECT_EQ(Half(8).value(), 4);
  EXPECT_EQ(*Half(8), 4);
  EXPECT_FALSE(Half(7).ok());
  EXPECT_EQ(Half(7).status().code(), Code::kInvalidArgument);
}

TEST(Result, HoldsAMoveOnlyValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(Result, PassesTheFirstErrorOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status().message(), "3 is odd: give an even number");
  EXPECT_TRUE(TryBoth(false, 2).ok());
  EXPECT_EQ(TryBoth(true, 1).code(), Code::kNotFound);
  EXPECT_EQ(TryBoth(false, 1).code(), Code::kInvalidArgument);
}

TEST(ResultDeathTest, AbortsWhenTheValueOfAFailureIsTaken) {
  EXPECT_DEATH(static_cast<void>(Half(7).value()), "check failed");
}

TEST(ResultDeathTest, AbortsWhenMadeFromAStatusThatIsOk) {
  EXPECT_DEATH(Result<int>{OkStatus()}.ok(), "check failed");
}

}  // namespace
}  // namespace augstore
