// The `augstore-torch` program: every command.

#include "engine/backbone/torch_backbone.h"
#include "tools/cli/program.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  augstore::Command program("augstore", augstore::kProgramAbout, augstore::kProgramFooter);
  // The versions of the libraries that decide its results, too.
  program.SetVersion("augstore " AUGSTORE_VERSION "\n" + augstore::LibraryVersions());
  augstore::AddCommands<true>(&program);
  return augstore::RunProgram(program, argc, argv);
}
