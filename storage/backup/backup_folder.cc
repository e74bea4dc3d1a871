#include "storage/backup/backup_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "schemas/base/digest.h"
#include "schemas/base/files.h"
#include "storage/rocksdb/rocksdb_folder.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

constexpr char kMarker[] = "BACKUPS";
constexpr std::string_view kMarkerHead = "augstore backups 1\nstore ";
constexpr size_t kStoreIdDigits = 32;
constexpr size_t kMaxMarkerBytes = 256;
// Of a description or a list of files: some 100 bytes for each version or table.
constexpr size_t kMaxListBytes = 256u << 20;

std::string Reason() { return std::generic_category().message(errno); }

Status NoBackups(const std::string& path) {
  return NotFound("there are no backups at '{}': make one with `augstore backup create`", path);
}

std::string MarkerText(const std::string& store_id) {
  return fmt::format("{}{}\n", kMarkerHead, store_id);
}

Result<std::string> ReadMarker(const std::string& path) {
  const Result<std::string> text = ReadFile(path + "/" + kMarker, kMaxMarkerBytes);
  if (text.status().code() == Code::kNotFound) return NoBackups(path);
  AUGSTORE_TRY(text);
  if (text->size() > kMarkerHead.size()) {
    const std::string id = text->substr(kMarkerHead.size(), kStoreIdDigits);
    const bool is_id = id.size() == kStoreIdDigits &&
                       id.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (is_id && *text == MarkerText(id)) return id;
  }
  return DataLoss(
      "'{}/{}', which names the store of the backups, is damaged: write it again "
      "(docs/formats.md), "
      "or make a backup in another folder",
      path, kMarker);
}

// Links and devices could lead a reader out of the folder, or hang it.
Status CheckEntries(const fs::path& folder, bool holds_folders) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(folder, error).type();
  if (type == fs::file_type::not_found) return OkStatus();
  if (type != fs::file_type::directory) {
    return FailedPrecondition("'{}' is no folder: this is no backup that augstore made",
                              folder.string());
  }
  for (const fs::directory_entry& entry : ListFolder(folder, error)) {
    const fs::file_type kind = entry.symlink_status(error).type();
    if (kind == fs::file_type::not_found) continue;  // another process removed it
    if (kind == fs::file_type::directory && holds_folders) {
      AUGSTORE_TRY(CheckEntries(entry.path(), false));
    } else if (kind != fs::file_type::regular) {
      return FailedPrecondition(
          "'{}' is a link, a device or a folder where a file is expected: this is no backup that "
          "augstore made",
          entry.path().string());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Unavailable("'{}' cannot be read: {}", folder.string(), error.message());
  }
  return OkStatus();
}

// The folder itself may be behind a link: its user named it. What nobody reads may be there, but no
// link or device, which an engine of another version may read.
Status CheckLayout(const std::string& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : ListFolder(path, error)) {
    const fs::file_type kind = entry.symlink_status(error).type();
    if (kind == fs::file_type::regular || kind == fs::file_type::directory ||
        kind == fs::file_type::not_found) {
      continue;
    }
    return FailedPrecondition("'{}' is a link or a device: this is no backup that augstore made",
                              entry.path().string());
  }
  for (const char* name : {"described", "meta", "shared_checksum", "shared"}) {
    AUGSTORE_TRY(CheckEntries(fs::path(path) / name, false));
  }
  return CheckEntries(fs::path(path) / "private", true);
}

// Whether `file` is where the engine keeps files of backup `id`.
bool IsInBackup(std::string_view file, uint32_t id) {
  for (const std::string& folder :
       {fmt::format("private/{}/", id), std::string("shared_checksum/")}) {
    if (!file.starts_with(folder)) continue;
    const std::string_view name = file.substr(folder.size());
    return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos;
  }
  return false;
}

Status InUse(const std::string& path) {
  return FailedPrecondition(
      "the backups at '{}' are in use: another process makes, reads or removes some: try again "
      "when it is done",
      path);
}

// Opens `file`, which is `path` or in it, and locks it without waiting. A network file system may
// have no locks.
Result<int> OpenLocked(const std::string& path, const std::string& file, int kind) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unavailable("'{}' cannot be opened: {}", file, Reason());
  Status status = OkStatus();
  if (::flock(fd, kind | LOCK_NB) == 0) {
    // Another process may have put another file in its place meanwhile, and have locked that one.
    struct stat held = {};
    struct stat named = {};
    const bool is_there = ::fstat(fd, &held) == 0 && ::stat(file.c_str(), &named) == 0 &&
                          held.st_ino == named.st_ino && held.st_dev == named.st_dev;
    if (!is_there) status = InUse(path);
  } else if (errno == EWOULDBLOCK) {
    status = InUse(path);
  } else if (errno != EBADF && errno != EINVAL && errno != ENOLCK && errno != EOPNOTSUPP) {
    status = Unavailable("the backups at '{}' cannot be locked: {}", path, Reason());
  }
  if (status.ok()) return fd;
  ::close(fd);
  return status;
}

// A folder that nobody else uses, with the marker that makes it one of backups.
Status Mark(const std::string& path, const std::string& store_id) {
  const Result<std::string> marked = ReadMarker(path);  // another process may have come first
  if (marked.status().code() != Code::kNotFound) return marked.status();
  std::error_code error;
  for (const fs::directory_entry& entry : ListFolder(path, error)) {
    if (entry.path().filename() == "lost+found") continue;  // a file system's own
    return FailedPrecondition(
        "folder '{}' holds '{}' and no backups: name an empty or a new folder", path,
        entry.path().filename().string());
  }
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  return WriteFileAtomically(path + "/" + kMarker, MarkerText(store_id));
}

// A new folder, or an empty one. The lock keeps two processes from both writing the marker: each
// would lock its own.
Status MakeFolder(const std::string& path, const std::string& store_id) {
  std::error_code error;
  if (!fs::exists(path, error) && !error) AUGSTORE_TRY(MakePrivateFolder(path));
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  AUGSTORE_ASSIGN(const int lock, OpenLocked(path, path, LOCK_EX));
  Status marked = Mark(path, store_id);
  ::close(lock);
  return marked;
}

}  // namespace

BackupFolder::BackupFolder(BackupFolder&& other) noexcept
    : path_(std::move(other.path_)),
      store_id_(std::move(other.store_id_)),
      folder_fd_(std::exchange(other.folder_fd_, -1)),
      adding_fd_(std::exchange(other.adding_fd_, -1)) {}

BackupFolder::~BackupFolder() {
  if (adding_fd_ >= 0) ::close(adding_fd_);
  if (folder_fd_ >= 0) ::close(folder_fd_);
}

Status BackupFolder::Lock(Use use) {
  AUGSTORE_ASSIGN(folder_fd_, OpenLocked(path_, path_, use == Use::kRemove ? LOCK_EX : LOCK_SH));
  if (use != Use::kAdd) return OkStatus();
  AUGSTORE_ASSIGN(adding_fd_, OpenLocked(path_, path_ + "/" + kMarker, LOCK_EX));
  return OkStatus();
}

Result<BackupFolder> BackupFolder::Open(const std::string& path, Use use) {
  AUGSTORE_TRY(CheckLayout(path));
  AUGSTORE_ASSIGN(std::string store_id, ReadMarker(path));
  // The engine opens a backup in place by absolute paths alone.
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) return Unavailable("'{}' cannot be read: {}", path, error.message());
  BackupFolder folder(absolute.string(), std::move(store_id));
  AUGSTORE_TRY(folder.Lock(use));
  return folder;
}

Result<BackupFolder> BackupFolder::OpenToAdd(const std::string& path, const std::string& store_id) {
  const Result<std::string> marked = ReadMarker(path);
  if (marked.status().code() == Code::kNotFound) AUGSTORE_TRY(MakeFolder(path, store_id));
  AUGSTORE_ASSIGN(BackupFolder folder, Open(path, Use::kAdd));
  if (folder.store_id() != store_id) {
    return FailedPrecondition(
        "folder '{}' holds backups of store {}, and this is store {}: name another folder", path,
        folder.store_id(), store_id);
  }
  std::error_code error;
  fs::create_directory(path + "/described", error);
  if (error) return Unavailable("'{}/described' cannot be made: {}", path, error.message());
  AUGSTORE_TRY(SyncFolderOf(path + "/described"));
  return folder;
}

std::string BackupFolder::DescriptionPath(uint32_t id) const {
  return fmt::format("{}/described/{}.json", path_, id);
}

Result<std::vector<uint32_t>> BackupFolder::ListIds() const {
  std::vector<uint32_t> ids;
  std::error_code error;
  for (const fs::directory_entry& entry : ListFolder(path_ + "/described", error)) {
    const std::string name = entry.path().filename().string();
    uint32_t id = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (failed == std::errc() && id > 0 && name == fmt::format("{}.json", id)) ids.push_back(id);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Unavailable("'{}' cannot be read: {}", path_, error.message());
  }
  std::ranges::sort(ids);
  return ids;
}

Result<BackupDescription> BackupFolder::Describe(uint32_t id) const {
  AUGSTORE_ASSIGN(const std::vector<uint32_t> ids, ListIds());
  if (std::ranges::find(ids, id) == ids.end()) {
    std::string there;
    for (const uint32_t other : ids) there += fmt::format("{}{}", there.empty() ? "" : ", ", other);
    return NotFound("there is no complete backup {} at '{}': there {}", id, path_,
                    ids.empty() ? "is none" : "are " + there);
  }
  const auto context = fmt::format("backup {} at '{}'", id, path_);
  AUGSTORE_ASSIGN(const std::string text, ReadFile(DescriptionPath(id), kMaxListBytes));
  const Result<BackupDescription> description = DecodeDescription(text);
  if (!description.ok()) return description.status().WithContext(context);
  AUGSTORE_ASSIGN(const Digest file_list, CheckFileList(id));
  if (description->store_id != store_id_) {
    return DataLoss("{}: it is of store {}, and {} names store {}", context, description->store_id,
                    kMarker, store_id_);
  }
  if (description->id == id && description->file_list == file_list) return *description;
  return DataLoss("{}: its list of files is damaged", context);
}

Result<Digest> BackupFolder::CheckFileList(uint32_t id) const {
  const std::string path = fmt::format("{}/meta/{}", path_, id);
  const Result<std::string> read = ReadFile(path, kMaxListBytes);
  if (read.status().code() == Code::kNotFound) {
    return DataLoss("backup {} at '{}': its list of files, '{}', is gone", id, path_, path);
  }
  AUGSTORE_TRY(read);
  const std::string_view text = *read;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::string_view file = line.substr(0, line.find(' '));
    if (line.find('/') != line.npos && !IsInBackup(file, id)) {
      return DataLoss("backup {} at '{}': its list of files names '{}', which is not its own", id,
                      path_, file);
    }
    begin = end + 1;
  }
  return Sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

Status BackupFolder::AddDescription(const BackupDescription& description) const {
  return WriteFileAtomically(DescriptionPath(description.id), EncodeDescription(description));
}

Status BackupFolder::RemoveDescription(uint32_t id) const {
  if (::unlink(DescriptionPath(id).c_str()) != 0 && errno != ENOENT) {
    return Unavailable("'{}' cannot be removed: {}", DescriptionPath(id), Reason());
  }
  return SyncFolderOf(DescriptionPath(id));
}

}  // namespace augstore
