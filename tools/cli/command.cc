#include "tools/cli/command.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace augstore {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<bool> hung_up{false};

// The second signal ends the process at once: a command that hangs can still be stopped by hand.
void OnSignal(int signal_number) {
  if (interrupted.exchange(true)) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

}  // namespace

void AddLocalFlags(Command* command, CommonFlags* flags) {
  command->AddFlag("--store", &flags->store,
                   "Folder of the store, opened by this process [AUGSTORE_STORE]");
  command
      ->AddFlag("--memory", &flags->memory_mib,
                "MiB of embeddings kept in memory when the store is opened here")
      .Env("AUGSTORE_MEMORY")
      .Range(16, 1 << 24);
  command->AddFlag("--json", &flags->json, "Print the result as JSON (keys: docs/cli.md)");
  command->AddFlag("--quiet", &flags->quiet, "No progress line");
}

void AddCommonFlags(Command* command, CommonFlags* flags) {
  AddLocalFlags(command, flags);
  command->AddFlag("--connect", &flags->connect,
                   "Address of a running server, such as tcp://127.0.0.1:7411 [AUGSTORE_CONNECT]");
  command->AddFlag("--key-file", &flags->key_file,
                   "File with the key for --connect [TCP: AUGSTORE_KEY_FILE, AUGSTORE_KEY]");
  command->AddFlag("--tls-ca", &flags->tls.ca,
                   "Authorities that a server in tls:// may come from, in PEM (default: those of "
                   "the system) [AUGSTORE_TLS_CA]");
  command->AddFlag("--tls-cert", &flags->tls.certificate,
                   "Certificate for a server in tls:// that wants one [AUGSTORE_TLS_CERT]");
  command->AddFlag("--tls-key", &flags->tls.key, "Key of --tls-cert [AUGSTORE_TLS_KEY]");
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

void Emit(bool as_json, const Json& json, const std::string& text) {
  if (as_json) {
    PrintJson(json);
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}

void InstallInterruptHandler() {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  // These come as an error of the call that writes, which says what could not be written.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void InstallHangUpHandler() {
  std::signal(SIGHUP, [](int) { hung_up = true; });
}

bool TakeHangUp() { return hung_up.exchange(false); }

bool Interrupted() { return interrupted.load(std::memory_order_relaxed); }

Status InterruptedStatus(const std::string& state) { return Unavailable("interrupted; {}", state); }

}  // namespace augstore
