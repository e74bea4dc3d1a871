#include "tools/serve/default_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "schemas/base/digest.h"

namespace augstore {
namespace {

// A folder of another user, or one that others may write, would let them put a socket of their own
// in the place of this one.
Status CheckPrivate(const std::string& folder) {
  struct stat info {};
  const bool exists = ::lstat(folder.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 0077) == 0) {
    return OkStatus();
  }
  return Unavailable(
      "'{}' is not a folder of this user alone (mode 0700), so no socket is made in it: correct "
      "that, or give --listen unix:///path",
      folder);
}

Result<std::string> RuntimeFolder() {
  const char* const named = std::getenv("XDG_RUNTIME_DIR");
  if (named != nullptr && named[0] == '/' && CheckPrivate(named).ok()) return std::string(named);
  std::string folder = fmt::format("/tmp/augstore-{}", ::geteuid());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unavailable("'{}' cannot be made for a socket: {}: give --listen unix:///path", folder,
                       std::system_category().message(errno));
  }
  AUGSTORE_TRY(CheckPrivate(folder));
  return folder;
}

}  // namespace

Result<Address> DefaultSocket(const std::string& store) {
  std::error_code error;
  const std::string folder = std::filesystem::canonical(store, error).string();
  if (error) return Unavailable("the path of '{}' cannot be found: {}", store, error.message());
  Result<Address> inside = ParseAddress("unix://" + folder + "/augstore.sock");
  if (inside.ok()) return inside;
  constexpr size_t kDigits = 16;
  AUGSTORE_ASSIGN(const std::string runtime, RuntimeFolder());
  const Digest digest = Sha256({reinterpret_cast<const uint8_t*>(folder.data()), folder.size()});
  return ParseAddress(
      fmt::format("unix://{}/augstore-{}.sock", runtime, digest.Hex().substr(0, kDigits)));
}

}  // namespace augstore
