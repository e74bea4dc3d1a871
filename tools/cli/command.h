// What every subcommand of `augstore` shares: common flags, an open database, exit codes.
#ifndef AUGSTORE_TOOLS_CLI_COMMAND_H_
#define AUGSTORE_TOOLS_CLI_COMMAND_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/client.h"
#include "schemas/base/status.h"

namespace CLI {
class App;
}

namespace augstore {

using Json = nlohmann::ordered_json;

struct CommonFlags {
  std::string store;           // --store DIR or AUGSTORE_STORE
  std::string connect;         // --connect ADDR or AUGSTORE_CONNECT
  uint64_t memory_mib = 2048;  // --memory: of a store opened here
  bool json = false;           // --json: results on standard output as one JSON value
  bool quiet = false;          // --quiet: no progress
};

// Where a command's data are: opened here (--store) or behind a server (--connect).
class Database {
 public:
  // `create`: make the store when the folder has none. Errors: kInvalidArgument (neither or both
  // given), and those of OpenRocksDbStore and Client::Connect.
  static Result<std::unique_ptr<Database>> Open(const CommonFlags& flags, bool create = false);
  ~Database();
  // The command's client; one thread at a time.
  Client& client();
  // Another client of the same database, for another thread.
  Result<std::unique_ptr<Client>> NewClient();

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A subcommand's body. main turns the Status into the exit code.
using CommandBody = std::function<Status()>;

// Adds subcommand `name` below `parent`. `example` is shown by --help. Returns it, for its flags;
// `body` runs when it is given.
CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& description,
                     const std::string& example, CommandBody body);
// Adds --store, --connect, --memory, --json and --quiet.
void AddCommonFlags(CLI::App* command, CommonFlags* flags);

// 0 ok · 1 a bug or damage in a library (Internal) · 2 wrong usage (InvalidArgument) · 3 NotFound ·
// 4 AlreadyExists or FailedPrecondition · 5 Unavailable or DeadlineExceeded · 6 DataLoss · 7
// ResourceExhausted · 8 Unauthenticated or PermissionDenied · 130 interrupted.
int ExitCode(const Status& status);

// Prints `value` (indented by 2) on standard output.
void PrintJson(const Json& value);

// Made true by SIGINT and SIGTERM once InstallInterruptHandler was called; commands look at it and
// stop cleanly.
void InstallInterruptHandler();
bool Interrupted();
// kUnavailable "interrupted; …": what a command returns when it stops early; `state` says what is
// kept.
Status InterruptedStatus(const std::string& state);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_COMMAND_H_
