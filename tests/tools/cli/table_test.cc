#include "tools/cli/table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdlib>

namespace augstore {
namespace {

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"name", "samples", "note"});
  table.Row({"a", "5", "x"});
  table.Row({"longer", "1200", ""});
  EXPECT_EQ(table.ToString(),
            "name    samples  note\n"
            "a             5  x\n"
            "longer     1200\n");
}

TEST(Table, CountsTheDashOfAMissingNumberAsANumber) {
  Table table({"G", "k"});
  table.Row({"-0.25", "1.2k"});
  table.Row({"-", "-"});
  EXPECT_EQ(table.ToString(),
            "    G     k\n"
            "-0.25  1.2k\n"
            "    -     -\n");
}

TEST(Table, KeepsAColumnLeftWhenOneCellIsText) {
  Table table({"v", "w"});
  table.Row({"12", "x"});
  table.Row({"3 of 4", "y"});
  EXPECT_EQ(table.ToString(),
            "v       w\n"
            "12      x\n"
            "3 of 4  y\n");
}

TEST(Table, CountsCharactersRatherThanBytes) {
  Table table({"name", "x"});
  table.Row({"Ωé", "a"});
  EXPECT_EQ(table.ToString(),
            "name  x\n"
            "Ωé    a\n");
}

TEST(Table, PrintsHeadersAloneWithoutRows) { EXPECT_EQ(Table({"a", "b"}).ToString(), "a  b\n"); }

TEST(Table, FillsMissingCellsAtTheEnd) {
  Table table({"a", "b"});
  table.Row({"x"});
  EXPECT_EQ(table.ToString(), "a  b\nx\n");
}

TEST(Table, ReplacesControlCharactersThatWouldMoveTheCursor) {
  Table table({"a"});
  table.Row({"x\x1b[2Jy\nz"});
  EXPECT_EQ(table.ToString(), "a\nx?[2Jy?z\n");
}

TEST(Table, WritesTheSameCellsAsMarkdown) {
  Table table({"name", "n"});
  table.Row({"a", "1"});
  table.Row({"b"});
  EXPECT_EQ(table.ToMarkdown(), "| name | n |\n|---|---|\n| a | 1 |\n| b |  |\n");
}

TEST(Table, FitsIntoANarrowTerminal) {
  Table table({"name", "policy", "n"});
  table.Row({"a-long-name", "identity:1,hflip:1", "1200"});
  Table::LimitWidth(28);
  const std::string clipped = table.ToString();
  Table::LimitWidth(20);
  const std::string dropped = table.ToString();
  Table::LimitWidth(0);
  EXPECT_EQ(clipped,
            "name         policy        n\n"
            "a-long-name  identity…  1200\n");
  EXPECT_EQ(dropped,
            "name\na-long-name\n(2 columns left out: widen the terminal, or use --json)\n");
}

TEST(Terminal, ClipsTextAtCharacters) {
  EXPECT_EQ(ClipText("größe", 5), "größe");
  EXPECT_EQ(ClipText("größe", 4), "grö…");
  EXPECT_EQ(ClipText("ab", 1), "…");
  EXPECT_EQ(TextWidth("größe"), 5u);
}

TEST(Terminal, TakesTheWidthFromTheEnvironmentOrTheTerminal) {
  const char* before = std::getenv("COLUMNS");
  const std::string columns = before == nullptr ? "" : before;
  int terminal = -1;
  int other = -1;
  const winsize size{.ws_row = 20, .ws_col = 61, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&other, &terminal, nullptr, nullptr, &size) != 0)
    GTEST_SKIP() << "no pseudo-terminal here";
  ::unsetenv("COLUMNS");
  EXPECT_EQ(TerminalWidth(terminal), 61u);
  ::setenv("COLUMNS", "40", 1);
  EXPECT_EQ(TerminalWidth(terminal), 40u);
  const int file = ::open("/dev/null", O_WRONLY);
  EXPECT_EQ(TerminalWidth(file), 0u);
  for (const int one : {terminal, other, file}) ::close(one);
  columns.empty() ? ::unsetenv("COLUMNS") : ::setenv("COLUMNS", columns.c_str(), 1);
}

}  // namespace
}  // namespace augstore
