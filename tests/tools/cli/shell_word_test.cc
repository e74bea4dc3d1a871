#include "tools/cli/shell_word.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(ShellWord, IsWhatAShellReadsBack) {
  EXPECT_EQ(ShellWord("photos/a-b_1.pt"), "photos/a-b_1.pt");
  EXPECT_EQ(ShellWord("my photos"), "'my photos'");
  EXPECT_EQ(ShellWord("rotate(-30..30)>hflip"), "'rotate(-30..30)>hflip'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("~/photos"), "'~/photos'");
  EXPECT_EQ(ShellWord("$HOME`ls`"), "'$HOME`ls`'");
  EXPECT_EQ(ShellWord(""), "''");
}

}  // namespace
}  // namespace augstore
