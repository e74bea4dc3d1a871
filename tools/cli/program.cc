#include "tools/cli/program.h"

#include <poll.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "tools/cli/command.h"

namespace augstore {
namespace {

// Whether standard output is a pipe whose reader has seen enough, as `head` has.
bool ReaderIsGone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

void DescribeProgram(CLI::App* app) {
  app->name("augstore");
  app->description(
      "augstore stores one embedding per image and makes augmented embeddings on read.\n"
      "Most commands take --store DIR (opened here) or --connect ADDRESS (a running server).");
  app->footer(
      "Exit codes: 0 ok, 1 internal error, 2 wrong usage, 3 not found, 4 exists already or the "
      "state forbids it,\n"
      "5 unavailable, 6 damaged data, 7 a limit is reached, 8 not allowed, 130 interrupted.");
  app->require_subcommand(1);
}

bool HasCommand(const CLI::App& app, int argc, char** argv) {
  const CLI::App* command = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto found =
        command->get_subcommands([&word](const CLI::App* one) { return one->get_name() == word; });
    if (found.empty()) return false;
    command = found.front();
    if (command->get_subcommands([](const CLI::App*) { return true; }).empty()) return true;
  }
  return false;
}

int RunProgram(CLI::App* app, int argc, char** argv) {
  InstallInterruptHandler();
  try {
    app->parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {  // a command failed and has said why
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app->exit(error) == 0 ? 0 : 2;
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

std::string PathBeside(const std::string& name) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).replace_filename(name).string();
}

}  // namespace augstore
