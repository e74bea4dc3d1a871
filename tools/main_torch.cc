// The `augstore-torch` program: every command.
#include "tools/cli/program.h"
#include "tools/cli/version.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  augstore::Command program("augstore", augstore::kProgramAbout, augstore::kProgramFooter);
  program.SetVersion(augstore::VersionText());
  augstore::AddCommands<true>(&program);
  return augstore::RunProgram(program, argc, argv);
}
