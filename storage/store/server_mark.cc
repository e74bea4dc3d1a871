#include "storage/store/server_mark.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "schemas/base/files.h"

namespace augstore {
namespace {

constexpr size_t kMaxMarkBytes = 4096;

std::string MarkFile(const std::string& store_path) {
  return (std::filesystem::path(store_path) / "SERVER").string();
}

bool IsAlive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

}  // namespace

Status StoreIsHeld(const std::string& store_path) {
  Status by_other = FailedPrecondition(
      "store '{}' is held by another process: end that process, or use another store", store_path);
  const Result<std::string> mark = ReadFile(MarkFile(store_path), kMaxMarkBytes);
  if (!mark.ok()) return by_other;
  std::string_view text = *mark;
  if (text.ends_with('\n')) text.remove_suffix(1);
  const size_t blank = text.rfind(' ');
  if (blank == text.npos || blank == 0) return by_other;
  pid_t pid = 0;
  const auto [end, error] =
      std::from_chars(text.data() + blank + 1, text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0 || !IsAlive(pid)) {
    return by_other;
  }
  const std::string_view address = text.substr(0, blank);
  return FailedPrecondition("store '{}' is held by the server at {} (pid {}): use --connect {}",
                            store_path, address, pid, address);
}

// The mark only makes a message better, so a failure to write or remove it is no failure of the
// server.
ServerMark::ServerMark(const std::string& store_path, const std::string& address)
    : file_(MarkFile(store_path)) {
  const Status ignored = WriteFileAtomically(file_, fmt::format("{} {}\n", address, ::getpid()));
  static_cast<void>(ignored);
}

ServerMark::~ServerMark() {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace augstore
