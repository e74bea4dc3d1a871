// The page that lists every command with its flags: `augstore help --markdown`, docs/cli.md.
#ifndef AUGSTORE_TOOLS_CLI_REFERENCE_H_
#define AUGSTORE_TOOLS_CLI_REFERENCE_H_

#include <string>

#include "tools/cli/flags.h"

namespace augstore {

// Markdown: a heading for each command below `program`, its text, example and flags.
std::string MarkdownReference(const Command& program);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_REFERENCE_H_
