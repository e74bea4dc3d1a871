// The `augstore` program. For what it does not have it becomes `augstore-torch`.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "tools/cli/program.h"

int main(int argc, char** argv) {
  CLI::App app;
  augstore::AddLightCommands(&app);
  if (!augstore::HasCommand(app, argc, argv)) {
    const std::string program = augstore::PathBeside("augstore-torch");
    ::execv(program.c_str(), argv);
    std::fprintf(stderr,
                 "augstore: %s cannot be started (%s): without it there are only the commands of "
                 "`augstore --help`; install both programs into one folder\n",
                 program.c_str(), std::strerror(errno));
  }
  return augstore::RunProgram(&app, argc, argv);
}
