// What the two programs share. `augstore` has the commands that run without LibTorch and OpenCV,
// which take most of a second to load, and hands the others over to `augstore-torch`, which has
// all.
#ifndef AUGSTORE_TOOLS_CLI_PROGRAM_H_
#define AUGSTORE_TOOLS_CLI_PROGRAM_H_

#include <string>

namespace CLI {
class App;
}

namespace augstore {

// Name, description and what holds for every command.
void DescribeProgram(CLI::App* app);
// Makes `app` the program `augstore`.
void AddLightCommands(CLI::App* app);
// Makes `app` the program `augstore-torch`: every command.
void AddAllCommands(CLI::App* app);
// Whether `app` has the command that these words of a user call for, and its subcommand.
bool HasCommand(const CLI::App& app, int argc, char** argv);

// Parses the words of a user and runs the command. Gives the exit code of the process.
int RunProgram(CLI::App* app, int argc, char** argv);
// Where `name` stands, or would stand, beside this program.
std::string PathBeside(const std::string& name);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_PROGRAM_H_
