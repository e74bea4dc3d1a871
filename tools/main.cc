// The `augstore` program. What it does not know itself, `augstore-torch` knows, or says what is
// wrong.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "tools/program.h"

int main(int argc, char** argv) {
  CLI::App app;
  app.name("augstore");
  augstore::AddLightCommands(&app);
  if (augstore::HasCommand(app, argc, argv)) return augstore::RunProgram(&app, argc, argv);
  const std::string program = augstore::ProgramBeside("augstore-torch");
  if (!program.empty()) ::execv(program.c_str(), argv);
  std::fprintf(stderr,
               "augstore: NotFound: the program augstore-torch, which has this command, cannot be "
               "started (%s): install it beside augstore\n",
               program.empty() ? "it is not there" : std::strerror(errno));
  return 3;
}
