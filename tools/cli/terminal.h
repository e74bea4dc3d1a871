// How wide the terminal is, and text that fits into it.
#ifndef AUGSTORE_TOOLS_CLI_TERMINAL_H_
#define AUGSTORE_TOOLS_CLI_TERMINAL_H_

#include <cstddef>
#include <string>

namespace augstore {

// Columns of the terminal that `file` (a descriptor) is: COLUMNS of the environment, else what the
// terminal says; 0 when it is no terminal, or does not say.
size_t TerminalWidth(int file);
// Characters of UTF-8 text.
size_t TextWidth(const std::string& text);
// `text`, or its start with "…" at the end where it is wider. REQUIRES: width > 0.
std::string ClipText(const std::string& text, size_t width);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_TERMINAL_H_
