// The `augstore` program. For a command that needs LibTorch it becomes `augstore-torch`.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "tools/cli/program.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  augstore::Command program("augstore", augstore::kProgramAbout, augstore::kProgramFooter);
  program.SetVersion("augstore " AUGSTORE_VERSION);
  augstore::AddCommands<false>(&program);
  if (!augstore::HasCommand(program, {argv + 1, argv + argc})) {
    const std::string other = augstore::PathBeside("augstore-torch");
    ::execv(other.c_str(), argv);
    // Whoever asks for help is shown what there is.
    if (argc > 1 && argv[1][0] != '-') {
      std::fprintf(stderr,
                   "augstore: %s cannot be started (%s): without it there are only the commands of "
                   "`augstore --help`; install the package augstore-torch, or both programs into "
                   "one folder\n",
                   other.c_str(), std::strerror(errno));
    }
  }
  return augstore::RunProgram(program, argc, argv);
}
