#include "tools/flags/flags.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

std::string Refusal(const Flag& flag, const std::string& text) {
  return std::string(flag.Set({text}).message());
}

TEST(Flag, StoresValuesOfEveryKind) {
  uint64_t whole = 0;
  double number = 0;
  std::optional<std::string> text;
  bool given = false;
  ASSERT_TRUE(Flag("--a", &whole, "").Set({"18446744073709551615"}).ok());
  ASSERT_TRUE(Flag("--b", &number, "").Set({"1e-3"}).ok());
  ASSERT_TRUE(Flag("--c", &text, "").Set({""}).ok());
  ASSERT_TRUE(Flag("--d", &given, "").Set({}).ok());
  EXPECT_EQ(whole, 18446744073709551615u);
  EXPECT_EQ(number, 1e-3);
  EXPECT_EQ(text, "");
  EXPECT_TRUE(given);
}

TEST(Flag, SplitsNumbersAtCommasAndTextsOnlyWhenAsked) {
  std::vector<double> numbers;
  std::vector<std::string> whole;
  std::vector<std::string> parts;
  ASSERT_TRUE(Flag("--lr", &numbers, "").Set({"1,2", "3"}).ok());
  ASSERT_TRUE(Flag("--op", &whole, "").Set({"shift(1,2)", "flip"}).ok());
  ASSERT_TRUE(Flag("--kind", &parts, "").Commas().Set({"a,b"}).ok());
  EXPECT_EQ(numbers, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(whole, (std::vector<std::string>{"shift(1,2)", "flip"}));
  EXPECT_EQ(parts, (std::vector<std::string>{"a", "b"}));
}

TEST(SplitAtCommas, KeepsWhatIsInBracketsTogether) {
  EXPECT_EQ(SplitAtCommas({"vflip,translate(2,-1)", "geo[a(1,2),b]"}),
            (std::vector<std::string>{"vflip", "translate(2,-1)", "geo[a(1,2),b]"}));
  EXPECT_EQ(SplitAtCommas({"a,,b"}), (std::vector<std::string>{"a", "", "b"}));
}

TEST(Flag, SaysWhichNumbersItTakes) {
  uint64_t limit = 7;
  uint32_t top = 1;
  double rate = 0;
  std::vector<uint64_t> ids;
  EXPECT_EQ(Refusal(Flag("--limit", &limit, "").Positive(), "0"),
            "--limit is 0: give a whole number of at least 1");
  EXPECT_EQ(Refusal(Flag("--limit", &limit, ""), "-1"),
            "--limit is -1: give a whole number of at least 0");
  EXPECT_EQ(Refusal(Flag("--epoch", &limit, ""), "99999999999999999999"),
            "--epoch is 99999999999999999999: give a whole number of at most "
            "18446744073709551615");
  EXPECT_EQ(Refusal(Flag("--top", &top, "").Range(1, 64), "65"),
            "--top is 65: give a whole number from 1 to 64");
  EXPECT_EQ(Refusal(Flag("--top", &top, ""), "4294967296"),
            "--top is 4294967296: give a whole number of at most 4294967295");
  EXPECT_EQ(Refusal(Flag("--top", &top, ""), ""), "--top is '': give a whole number of at least 0");
  EXPECT_EQ(Refusal(Flag("--lr", &rate, "").Positive(), "0"), "--lr is 0: give a number above 0");
  EXPECT_EQ(Refusal(Flag("--lr", &rate, ""), "nan"), "--lr is nan: give a number");
  EXPECT_EQ(Refusal(Flag("--lr", &rate, "").Range(0.01, 0.9), "x"),
            "--lr is x: give a number from 0.01 to 0.9");
  EXPECT_EQ(Refusal(Flag("--ids", &ids, ""), "5-10"),
            "--ids is 5-10: give a whole number of at least 0, or several separated by commas");
  EXPECT_EQ(limit, 7u) << "a value that is refused must not be stored";
}

TEST(Flag, SaysWhichTextsItTakes) {
  std::string which = "best";
  std::vector<float> mean;
  const auto parse = [](const std::string& text) { return InvalidArgument("'{}' is odd", text); };
  EXPECT_EQ(Refusal(Flag("--register", &which, "").Choices({"best", "all"}), "none"),
            "--register is 'none': give one of best, all");
  EXPECT_EQ(Refusal(Flag("--mean", &mean, "").Count(3), "1,2"),
            "--mean has 2 values: give 3, separated by commas");
  EXPECT_NE(Refusal(Flag("--dtype", parse, ""), "f8").find("'f8' is odd"), std::string::npos);
}

TEST(Flag, ShowsItsDefaultUnlessTheHelpStatesIt) {
  std::vector<double> rates = {1e-3, 3e-4};
  std::string empty;
  uint64_t limit = 0;
  EXPECT_EQ(Flag("--lr", &rates, "").DefaultText(), "0.001,0.0003");
  EXPECT_EQ(Flag("--out", &empty, "").DefaultText(), "");
  EXPECT_EQ(Flag("--limit", &limit, "At most this many (default: all)").DefaultText(), "");
}

TEST(Command, KnowsItsPathAndItsCommands) {
  Command program("augstore", "");
  Command* group = program.AddGroup("head", "");
  Command* train = group->Add("train", "", "", [] { return OkStatus(); });
  EXPECT_EQ(train->Path(), "augstore head train");
  EXPECT_EQ(group->Find("train"), train);
  EXPECT_EQ(group->Find("trian"), nullptr);
}

}  // namespace
}  // namespace augstore
