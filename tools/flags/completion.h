// Scripts by which shells complete the words of a command line, and the manual page, from the tree
// of commands.
#ifndef AUGSTORE_TOOLS_FLAGS_COMPLETION_H_
#define AUGSTORE_TOOLS_FLAGS_COMPLETION_H_

#include <string>

#include "tools/flags/flags.h"

namespace augstore {

// `shell`: "bash", "zsh" or "fish". They complete commands, flags, and the choices of flags that
// have some; everything else is a file. Errors: kInvalidArgument (another shell).
Result<std::string> CompletionScript(const Command& program, const std::string& shell);

// augstore(1) in the language of man(7).
std::string ManualPage(const Command& program);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_FLAGS_COMPLETION_H_
