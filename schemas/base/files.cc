#include "schemas/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace augstore {
namespace {

// Owns a file descriptor.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // Reports what close() says: some file systems tell about a failed write only there.
  int Close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd);
  }

 private:
  int fd_;
};

std::string Reason() { return std::generic_category().message(errno); }

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unavailable("writing '{}' failed: {}", path, Reason());
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

// The file's bytes up to its end; `limit` is the most that may come.
Result<std::string> ReadAll(int fd, size_t expected, size_t limit, const std::string& path) {
  std::string bytes(expected, '\0');
  size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) {
      // The size that stat() told may be too small (a pipe, /proc, a growing file): one byte more
      // finds the end.
      char probe = 0;
      const ssize_t n = ::read(fd, &probe, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Unavailable("reading '{}' failed: {}", path, Reason());
      if (n == 0) return bytes;
      if (filled == limit) {
        return InvalidArgument("file '{}' has more than {} bytes: give a smaller file", path,
                               limit);
      }
      const size_t room = limit - filled;
      bytes.resize(filled + std::min(room, std::max<size_t>(filled, 65536)));
      bytes[filled++] = probe;
      continue;
    }
    const ssize_t n = ::read(fd, bytes.data() + filled, bytes.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unavailable("reading '{}' failed: {}", path, Reason());
    if (n == 0) {
      bytes.resize(filled);
      return bytes;
    }
    filled += static_cast<size_t>(n);
  }
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A new file with a name of its own, and its descriptor; or -1, with errno set. Not mkstemp(),
// which ignores the umask.
int CreateBeside(const std::string& path, std::string* temporary) {
  static std::atomic<uint64_t> counter = 0;
  while (true) {
    *temporary = fmt::format("{}.{}-{}.tmp", path, ::getpid(), counter++);
    const int fd = ::open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

Status FillAndRename(File& file, const std::string& temporary, const std::string& path,
                     std::string_view bytes) {
  AUGSTORE_TRY(WriteAll(file.fd(), bytes, temporary));
  if (::fsync(file.fd()) != 0) return Unavailable("syncing '{}' failed: {}", temporary, Reason());
  if (file.Close() != 0) return Unavailable("closing '{}' failed: {}", temporary, Reason());
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return Unavailable("renaming '{}' to '{}' failed: {}", temporary, path, Reason());
  }
  return OkStatus();
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return NotFound("file '{}' does not exist: check the path", path);
    }
    return Unavailable("opening '{}' failed: {}", path, Reason());
  }
  struct stat info = {};
  if (::fstat(file.fd(), &info) != 0) {
    return Unavailable("reading the size of '{}' failed: {}", path, Reason());
  }
  if (S_ISDIR(info.st_mode)) {
    return InvalidArgument("'{}' is a folder: give the path of a file", path);
  }
  if (!S_ISREG(info.st_mode)) {
    return InvalidArgument("'{}' is no regular file: give the path of a file", path);
  }
  const auto size = static_cast<uint64_t>(std::max<off_t>(info.st_size, 0));
  if (size > max_bytes) {
    return InvalidArgument("file '{}' has {} bytes, more than the limit of {}: give a smaller file",
                           path, size, max_bytes);
  }
  return ReadAll(file.fd(), static_cast<size_t>(size), max_bytes, path);
}

Status WriteFileAtomically(const std::string& named, std::string_view bytes) {
  std::string path = named;
  struct stat info = {};
  const bool replaces = ::stat(named.c_str(), &info) == 0;
  if (replaces) {
    // Renaming over a device or a pipe would put a plain file in its place.
    if (!S_ISREG(info.st_mode)) {
      return InvalidArgument("'{}' exists and is no regular file: name another file", named);
    }
    // Behind a link it is the file that is replaced, not the link.
    const std::unique_ptr<char, decltype(&std::free)> target(::realpath(named.c_str(), nullptr),
                                                             &std::free);
    if (target != nullptr) path = target.get();
  }
  std::string temporary;
  File file(CreateBeside(path, &temporary));
  if (!file.ok()) {
    return Unavailable("creating a temporary file next to '{}' failed: {}", path, Reason());
  }
  // Who could not read the old file must not read the new one.
  Status status =
      !replaces || ::fchmod(file.fd(), info.st_mode & 07777) == 0
          ? FillAndRename(file, temporary, path, bytes)
          : Unavailable("the permissions of '{}' cannot be set: {}", temporary, Reason());
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return SyncFolderOf(path);
}

Status SyncFolderOf(const std::string& path) {
  const std::string folder = FolderOf(path);
  File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.ok()) return Unavailable("opening folder '{}' failed: {}", folder, Reason());
  if (::fsync(file.fd()) != 0) {
    return Unavailable("syncing folder '{}' failed: {}", folder, Reason());
  }
  return OkStatus();
}

}  // namespace augstore
