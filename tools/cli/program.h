// What the two programs share. `augstore` has the commands that run without LibTorch and OpenCV,
// which take most of a second to load, and becomes `augstore-torch`, which has every command, for
// the others.
#ifndef AUGSTORE_TOOLS_CLI_PROGRAM_H_
#define AUGSTORE_TOOLS_CLI_PROGRAM_H_

#include <string>
#include <vector>

#include "tools/flags/flags.h"

namespace augstore {

// What --help of the program says, above and below the list of commands.
extern const char* const kProgramAbout;
extern const char* const kProgramFooter;

// Whether `program` has the command, and its subcommand, that these words of a user name.
bool HasCommand(const Command& program, std::vector<std::string> words);

// Parses the words of a user, which follow the program's name, and runs the command. `help WORDS`
// is `WORDS --help`, and `help --markdown` prints every command with its flags. Returns the exit
// code of the process; an error is printed on standard error.
int RunWords(const Command& program, std::vector<std::string> words);
// RunWords for main, with a handler for Ctrl-C; a reader of the output that is gone is no error.
int RunProgram(const Command& program, int argc, char** argv);
// The path of the file `name` in the folder of this program.
std::string PathBeside(const std::string& name);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_PROGRAM_H_
