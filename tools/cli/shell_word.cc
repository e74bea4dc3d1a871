#include "tools/cli/shell_word.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace augstore {

std::string ShellWord(const std::string& text) {
  constexpr std::string_view kPlain = "_-+=:,./@%";
  const bool plain = !text.empty() && std::ranges::all_of(text, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.find(c) != kPlain.npos;
  });
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace augstore
