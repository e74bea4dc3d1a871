// What every subcommand of `augstore` shares: common flags, an open database, exit codes.
#ifndef AUGSTORE_TOOLS_CLI_COMMAND_H_
#define AUGSTORE_TOOLS_CLI_COMMAND_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>

#include "schemas/base/status.h"
#include "tools/cli/database.h"
#include "tools/flags/flags.h"

namespace augstore {

using Json = nlohmann::ordered_json;

// Adds --store, --memory, --json and --quiet.
void AddLocalFlags(Command* command, CommonFlags* flags);
// Those, --connect, --key-file, and the files for a server in tls://.
void AddCommonFlags(Command* command, CommonFlags* flags);

// Adds command `name` below `parent`, which runs `run` with the flags that `add_flags` (Command*,
// Flags*) declares. A CommonFlags, which Flags is or has as `common`, comes first. `run`: (const
// Flags&) -> Status, or (const Flags&, Client&) -> Status, for a command that writes nothing, with
// a client of the database that the common flags name. `example` is shown by --help.
template <typename Flags, typename AddFlags, typename Run>
void AddCommand(Command* parent, const std::string& name, const std::string& about,
                const std::string& example, AddFlags add_flags, Run run) {
  const auto flags = std::make_shared<Flags>();
  CommonFlags* common = nullptr;
  if constexpr (std::is_same_v<Flags, CommonFlags>) {
    common = flags.get();
  } else if constexpr (requires { flags->common; }) {
    common = &flags->common;
  }
  const auto body = [flags, common, run]() -> Status {
    if constexpr (std::is_invocable_v<Run, const Flags&, Client&>) {
      AUGSTORE_ASSIGN(const auto database, Database::Open(*common, StoreAccess::kRead));
      return run(*flags, database->client());
    } else {
      return run(*flags);
    }
  };
  Command* command = parent->Add(name, about, "Example:\n  " + example, body);
  if (common != nullptr) AddCommonFlags(command, common);
  add_flags(command, flags.get());
}
// A command that has the common flags alone.
template <typename Run>
void AddCommand(Command* parent, const std::string& name, const std::string& about,
                const std::string& example, Run run) {
  AddCommand<CommonFlags>(
      parent, name, about, example, [](Command*, CommonFlags*) {}, run);
}

// 0 ok · 1 a bug or damage in a library (Internal) · 2 wrong usage (InvalidArgument) · 3 NotFound ·
// 4 AlreadyExists or FailedPrecondition · 5 Unavailable or DeadlineExceeded · 6 DataLoss · 7
// ResourceExhausted · 8 Unauthenticated or PermissionDenied · 130 interrupted.
int ExitCode(const Status& status);

// Prints `value` (indented by 2) on standard output.
void PrintJson(const Json& value);
// Prints the result of a command on standard output: `json` with --json, else `text`.
void Emit(bool as_json, const Json& json, const std::string& text);
inline void Emit(const CommonFlags& flags, const Json& json, const std::string& text) {
  Emit(flags.json, json, text);
}

// Made true by SIGINT and SIGTERM once InstallInterruptHandler was called; commands look at it and
// stop cleanly.
void InstallInterruptHandler();
bool Interrupted();
// After InstallHangUpHandler, SIGHUP does not end the process. TakeHangUp: whether one came since
// the last call.
void InstallHangUpHandler();
bool TakeHangUp();
// kUnavailable "interrupted; …": what a command returns when it stops early; `state` says what is
// kept.
Status InterruptedStatus(const std::string& state);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_COMMAND_H_
