// The `augstore` program: its subcommands stand in the cmd_*.cc files.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <system_error>

#include "tools/command.h"
#include "tools/version.h"

namespace {

void DescribeProgram(CLI::App* app) {
  app->description(
      "augstore stores one embedding per image and makes augmented embeddings on read.\n"
      "Most commands take --store DIR (opened here) or --connect ADDRESS (a running server).");
  app->footer(
      "Exit codes: 0 ok, 1 internal error, 2 wrong usage, 3 not found, 4 exists already or the "
      "state forbids it,\n"
      "5 unavailable, 6 damaged data, 7 a limit is reached, 8 not allowed, 130 interrupted.");
  app->set_version_flag("--version", augstore::VersionText());
  app->require_subcommand(1);
}

// Whether standard output is a pipe whose reader has seen enough, as `head` has.
bool ReaderIsGone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app;
  app.name("augstore");
  DescribeProgram(&app);
  augstore::AddBackboneCommands(&app);
  augstore::AddIngestCommand(&app);
  augstore::AddImportCommand(&app);
  augstore::AddExportCommand(&app);
  augstore::AddCollectionCommands(&app);
  augstore::AddTransformCommands(&app);
  augstore::AddServeCommand(&app);
  augstore::AddQueryCommand(&app);
  augstore::AddStreamCommand(&app);
  augstore::AddHeadCommands(&app);
  augstore::AddPolicyCommands(&app);
  augstore::AddAdminCommands(&app);
  augstore::AddDrawCommand(&app);
  augstore::AddCompareCommand(&app);
  augstore::AddPaperCommand(&app);
  augstore::AddBenchCommand(&app);
  augstore::InstallInterruptHandler();
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {  // a command failed and has said why
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe)
      return 0;  // the reader of our output has seen enough
    std::fprintf(stderr, "augstore: Internal: %s\n", error.what());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "augstore: Internal: %s\n", error.what());
    return 1;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    if (ReaderIsGone()) return 0;
    std::fprintf(stderr, "augstore: Unavailable: standard output could not be written\n");
    return 5;
  }
  return 0;
}
