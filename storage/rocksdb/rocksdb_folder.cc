#include "storage/rocksdb/rocksdb_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "schemas/base/files.h"
#include "storage/rocksdb/store_mark.h"
#include "storage/store/server_mark.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

std::string Reason() { return std::generic_category().message(errno); }

// A folder in which the creation of a store was interrupted holds nothing but its first files.
bool IsFirstFile(const std::string& name) {
  return name == "LOCK" || name == "LOG" || name.starts_with("LOG.old") || name == "IDENTITY" ||
         name.starts_with("MANIFEST-") || name.starts_with("OPTIONS-") ||
         name.ends_with(".dbtmp") || name.starts_with(kMarkFile);
}

int OpenFolder(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

std::vector<fs::directory_entry> ListFolder(const fs::path& folder, std::error_code& error) {
  std::vector<fs::directory_entry> entries;
  // The range-for form would throw when reading goes wrong halfway.
  for (fs::directory_iterator i(folder, error); !error && i != fs::directory_iterator();
       i.increment(error)) {
    entries.push_back(*i);
  }
  return entries;
}

Result<FolderState> InspectFolder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return FolderState::kAbsent;
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  if (!fs::is_directory(status)) {
    return FailedPrecondition("'{}' is not a folder: a store is one", path);
  }
  if (fs::is_directory(fs::path(path) / kRestoringFolder, error)) {
    return FailedPrecondition(
        "a restore to '{}' is running, or was cut off: then run `augstore backup restore` to it "
        "again",
        path);
  }
  if (fs::exists(fs::path(path) / "CURRENT", error)) return FolderState::kStore;
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  const Result<MarkNote> mark = ReadMark(path);
  if (mark.ok() && mark->sequence > 0) {
    return DataLoss("store '{}' has lost its file CURRENT: restore a backup", path);
  }
  const std::vector<fs::directory_entry> entries = ListFolder(path, error);
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (IsFirstFile(name)) continue;
    return FailedPrecondition(
        "folder '{}' holds '{}' and is no store: name an empty or a new folder", path, name);
  }
  return FolderState::kEmpty;
}

Status NoStore(const std::string& path, FolderState state) {
  if (state == FolderState::kAbsent) {
    return NotFound("there is no store at '{}': ingest or import into it first", path);
  }
  return NotFound("folder '{}' is empty: ingest or import into it first", path);
}

Status MakePrivateFolder(const std::string& path) {
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "store/"
  std::error_code error;
  std::vector<fs::path> made;  // the innermost first
  for (fs::path level = folder; !level.empty() && !fs::exists(level, error);
       level = level.parent_path()) {
    made.push_back(level);
  }
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (error) return Unavailable("folder '{}' cannot be made: {}", path, error.message());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unavailable("folder '{}' cannot be made: {}", path, Reason());
  }
  for (const fs::path& level : made) AUGSTORE_TRY(SyncFolderOf(level.string()));
  return OkStatus();
}

Result<FolderLock> FolderLock::Take(const std::string& path) {
  const int fd = OpenFolder(path);
  if (fd < 0) return Unavailable("store '{}' cannot be opened: {}", path, Reason());
  FolderLock lock(fd);
  // IsHeld of another process may have it for a moment.
  for (int attempt = 1;; ++attempt) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK || attempt == 3) break;
    ::usleep(20'000);
  }
  if (errno == EWOULDBLOCK) return StoreIsHeld(path);
  // A network file system may lock files and no folders: RocksDB's lock file is then all there is.
  if (errno == EBADF || errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP) return lock;
  return Unavailable("store '{}' cannot be locked: {}", path, Reason());
}

bool FolderLock::IsHeld(const std::string& path) {
  const int fd = OpenFolder(path);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace augstore
