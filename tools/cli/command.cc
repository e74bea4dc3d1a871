#include "tools/cli/command.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace augstore {
namespace {

std::atomic<bool> interrupted{false};

// The second signal ends the process at once: a command that hangs can still be stopped by hand.
void OnSignal(int signal_number) {
  if (interrupted.exchange(true)) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

}  // namespace

CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& description,
                     const std::string& example, CommandBody body) {
  CLI::App* command = parent->add_subcommand(name, description);
  if (!example.empty()) command->footer("Example:\n  " + example);
  if (body) {
    command->callback([body = std::move(body)] {
      const Status status = body();
      if (status.ok()) return;
      std::fprintf(stderr, "augstore: %s\n", status.ToString().c_str());
      throw CLI::RuntimeError(Interrupted() ? 130 : ExitCode(status));
    });
  } else {
    command->require_subcommand(1);
  }
  return command;
}

void AddCommonFlags(CLI::App* command, CommonFlags* flags) {
  command->add_option("--store", flags->store,
                      "Folder of the store, opened by this process [AUGSTORE_STORE]");
  command->add_option(
      "--connect", flags->connect,
      "Address of a running server, such as tcp://127.0.0.1:7411 [AUGSTORE_CONNECT]");
  command
      ->add_option(
          "--memory", flags->memory_mib,
          "MiB of embeddings kept in memory when the store is opened here [AUGSTORE_MEMORY]")
      ->envname("AUGSTORE_MEMORY")
      ->check(CLI::Range(16, 1 << 24))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the result as JSON (keys: docs/cli.md)");
  command->add_flag("--quiet", flags->quiet, "No progress line");
}

int ExitCode(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 0;
    case Code::kInvalidArgument:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return 4;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return 5;
    case Code::kDataLoss:
      return 6;
    case Code::kResourceExhausted:
      return 7;
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return 8;
    case Code::kInternal:
      return 1;
  }
  return 1;
}

void PrintJson(const Json& value) {
  // A file name that is not UTF-8 must not stop a report.
  const std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void InstallInterruptHandler() {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  std::signal(SIGPIPE, SIG_IGN);
}

bool Interrupted() { return interrupted.load(std::memory_order_relaxed); }

Status InterruptedStatus(const std::string& state) { return Unavailable("interrupted; {}", state); }

}  // namespace augstore
