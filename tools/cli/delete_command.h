// The command that deletes records, which collections, transforms and heads share.
#ifndef AUGSTORE_TOOLS_CLI_DELETE_COMMAND_H_
#define AUGSTORE_TOOLS_CLI_DELETE_COMMAND_H_

#include <string>

#include "schemas/records/records.h"
#include "tools/cli/command.h"

namespace augstore {

// Adds "delete" to a group of commands about records of a kind. `note`: what stays, for --help.
void AddDeleteCommand(Command* group, RecordKind kind, const std::string& note);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_DELETE_COMMAND_H_
