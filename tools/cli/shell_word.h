// Words of a command that a user is to type.
#ifndef AUGSTORE_TOOLS_CLI_SHELL_WORD_H_
#define AUGSTORE_TOOLS_CLI_SHELL_WORD_H_

#include <string>

namespace augstore {

// As a POSIX shell reads it back: as it is, or in quotes where that would be something else.
std::string ShellWord(const std::string& text);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_SHELL_WORD_H_
