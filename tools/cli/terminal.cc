#include "tools/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace augstore {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

size_t TerminalWidth(int file) {
  if (::isatty(file) != 1) return 0;
  const char* columns = std::getenv("COLUMNS");
  if (columns != nullptr && std::atoi(columns) > 0) return static_cast<size_t>(std::atoi(columns));
  winsize size{};
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t TextWidth(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, StartsCharacter));
}

std::string ClipText(const std::string& text, size_t width) {
  if (TextWidth(text) <= width) return text;
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    if (StartsCharacter(text[end]) && ++characters == width) break;
  }
  return text.substr(0, end) + "…";
}

}  // namespace augstore
