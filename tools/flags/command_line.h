// Parses the words of a user by a tree of commands, and describes the tree on a page.
#ifndef AUGSTORE_TOOLS_FLAGS_COMMAND_LINE_H_
#define AUGSTORE_TOOLS_FLAGS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "tools/flags/flags.h"

namespace augstore {

// What a command line asks for.
struct CommandCall {
  const Command* command = nullptr;  // the one to run, its flags filled in; null: print `help`
  std::string help;
};

// `words`: what follows the program's name. Errors: kInvalidArgument: an unknown command or flag,
// with the nearest one that exists; a value out of range; something required that is missing.
Result<CommandCall> ParseCommandLine(const Command& program, const std::vector<std::string>& words);

// The page that lists every command below `program`: a heading for each, its text, example and
// flags, as Markdown. `augstore help --markdown` prints it; docs/cli.md has it.
std::string MarkdownReference(const Command& program);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_FLAGS_COMMAND_LINE_H_
