#include "server/access/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>
#include <utility>

namespace augstore {
namespace {

Status Failed(std::string_view what, const std::string& path) {
  return Unavailable("{} '{}' failed: {}", what, path, std::system_category().message(errno));
}

std::string FolderOf(const std::string& store) { return store + "/audit"; }

// 0: of the file that is written.
std::string PathOf(const std::string& folder, int number) {
  if (number == 0) return folder + "/audit.jsonl";
  return fmt::format("{}/audit.{}.jsonl", folder, number);
}

}  // namespace

AuditFile::AuditFile(const std::string& store, uint64_t max_bytes)
    : folder_(FolderOf(store)), max_bytes_(max_bytes) {}

AuditFile::~AuditFile() { Close(); }

std::vector<std::string> AuditFile::PathsIn(const std::string& store) {
  std::vector<std::string> paths;
  for (int number = kKept; number >= 0; --number) paths.push_back(PathOf(FolderOf(store), number));
  return paths;
}

std::vector<std::string> AuditFile::LastLines(const std::string& store, size_t most) {
  constexpr std::streamoff kMostRead = std::streamoff{4} << 20;  // of each file
  std::vector<std::string> lines;                                // the newest first
  for (int number = 0; number <= kKept && lines.size() < most; ++number) {
    std::ifstream file(PathOf(FolderOf(store), number), std::ios::binary | std::ios::ate);
    if (!file) break;
    const std::streamoff size = file.tellg();
    file.seekg(std::max<std::streamoff>(0, size - kMostRead));
    std::vector<std::string> of_file;
    std::string line;
    if (size > kMostRead) std::getline(file, line);  // a part of one
    while (std::getline(file, line)) of_file.push_back(line);
    for (auto it = of_file.rbegin(); it != of_file.rend() && lines.size() < most; ++it) {
      lines.push_back(std::move(*it));
    }
    if (size > kMostRead) break;  // what is older would leave a gap
  }
  std::ranges::reverse(lines);
  return lines;
}

void AuditFile::Close() {
  if (file_ < 0) return;
  ::fdatasync(file_);  // a failure loses no more than a power cut would
  ::close(std::exchange(file_, -1));
}

Status AuditFile::Open() {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return Failed("making", folder_);
  const std::string path = PathOf(folder_, 0);
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info {};
  if (file_ < 0 || ::fstat(file_, &info) != 0) {
    Status failed = Failed("opening", path);
    Close();
    return failed;
  }
  size_ = static_cast<uint64_t>(info.st_size);
  return OkStatus();
}

Status AuditFile::Rotate() {
  Close();
  for (int number = kKept; number > 0; --number) {
    if (::rename(PathOf(folder_, number - 1).c_str(), PathOf(folder_, number).c_str()) != 0 &&
        errno != ENOENT) {
      return Failed("renaming", PathOf(folder_, number - 1));
    }
  }
  return Open();
}

Status AuditFile::Append(std::string_view line) {
  if (file_ < 0) AUGSTORE_TRY(Open());
  if (size_ > 0 && size_ + line.size() > max_bytes_) AUGSTORE_TRY(Rotate());
  uint64_t written = 0;
  while (written < line.size()) {
    const ssize_t count = ::write(file_, line.data() + written, line.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      Status failed = Failed("writing", PathOf(folder_, 0));
      // Half a line would hide the one after it.
      if (::ftruncate(file_, static_cast<off_t>(size_)) != 0) Close();
      return failed;
    }
    written += static_cast<uint64_t>(count);
  }
  size_ += written;
  return OkStatus();
}

}  // namespace augstore
