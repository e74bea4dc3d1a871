#include "tools/cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdlib>

namespace augstore {
namespace {

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
