#include "tools/cli/program.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "schemas/base/out_of_memory.h"
#include "tools/cli/command.h"
#include "tools/cli/table.h"
#include "tools/flags/command_line.h"
#include "tools/flags/completion.h"
#include "tools/flags/config_file.h"

namespace augstore {
namespace {

// Whether standard output is a pipe whose reader has seen enough, as `head` has.
bool ReaderIsGone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

void PrintError(const Status& status) {
  std::fprintf(stderr, "augstore: %s\n", status.ToString().c_str());
}

// The command, or the group of commands, that the words name; null when they name none. What
// follows a command is not looked at.
const Command* Named(const Command& program, const std::vector<std::string>& words) {
  const Command* command = &program;
  for (const std::string& word : words) {
    if (command == nullptr || command->commands().empty()) break;
    command = command->Find(word);
  }
  return command;
}

// As many descriptors as the system allows: a store has one file for each 64 MiB or so, and a
// server one socket for each connection.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // else the old limit stays
}

}  // namespace

const char* const kProgramAbout =
    "augstore stores one embedding per image and makes augmented embeddings on read.\n"
    "Most commands take --store DIR (opened here) or --connect ADDRESS (a running server).";
const char* const kProgramFooter =
    "Exit codes: 0 ok, 1 internal error, 2 wrong usage, 3 not found, 4 exists already or the "
    "state forbids it,\n"
    "5 unavailable, 6 damaged data, 7 a limit is reached, 8 not allowed, 130 interrupted.";

bool HasCommand(const Command& program, std::vector<std::string> words) {
  if (words == std::vector<std::string>{"--version"}) return true;
  if (!words.empty() && words[0] == "help") words.erase(words.begin());
  const Command* named = Named(program, words);
  return named != nullptr && named->commands().empty();
}

int RunWords(const Command& program, std::vector<std::string> words) {
  if (words == std::vector<std::string>{"help", "--markdown"}) {
    std::fputs(MarkdownReference(program).c_str(), stdout);
    return 0;
  }
  if (words == std::vector<std::string>{"help", "--man"}) {
    std::fputs(ManualPage(program).c_str(), stdout);
    return 0;
  }
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    // Words that name nothing are refused as they would be without `help`.
    if (Named(program, words) != nullptr) words.emplace_back("--help");
  }
  const Result<CommandCall> call = [&]() -> Result<CommandCall> {
    AUGSTORE_ASSIGN(const std::vector<std::string> all, WithConfig(program, words));
    return ParseCommandLine(program, all);
  }();
  if (!call.ok()) {
    PrintError(call.status());
    return ExitCode(call.status());
  }
  if (call->command == nullptr) {
    std::fputs(call->help.c_str(), stdout);
    return 0;
  }
  const Status status = call->command->body()();
  if (status.ok()) return 0;
  PrintError(status);
  return Interrupted() ? 130 : ExitCode(status);
}

int RunProgram(const Command& program, int argc, char** argv) {
  InstallInterruptHandler();
  EndCleanlyWithoutMemory();
  RaiseDescriptorLimit();
  Table::LimitWidth(TerminalWidth(STDOUT_FILENO));
  try {
    const int code = RunWords(program, {argv + 1, argv + argc});
    if (code != 0) return code;
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe)
      return 0;  // the reader of our output has seen enough
    PrintError(Internal("{}", error.what()));
    return 1;
  } catch (const std::exception& error) {
    PrintError(Internal("{}", error.what()));
    return 1;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    if (ReaderIsGone()) return 0;
    PrintError(Unavailable("standard output could not be written"));
    return 5;
  }
  return 0;
}

std::string PathBeside(const std::string& name) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).replace_filename(name).string();
}

}  // namespace augstore
