// The `augstore-torch` program: every command.
#include <CLI/CLI.hpp>

#include "tools/cli/program.h"

int main(int argc, char** argv) {
  CLI::App app;
  augstore::AddAllCommands(&app);
  return augstore::RunProgram(&app, argc, argv);
}
