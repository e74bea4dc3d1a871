#include "server/http/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace augstore {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// The kernel itself sees to it that the path, links included, stays below the folder.
int OpenBelow(int folder, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

std::string TypeOf(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP")) return "image/webp";
  if (bytes.starts_with("BM")) return "image/bmp";
  return "";
}

Result<std::string> ReadAll(int file, size_t size) {
  std::string bytes(size, '\0');
  for (size_t begin = 0; begin < size;) {
    const ssize_t count =
        ::pread(file, bytes.data() + begin, size - begin, static_cast<off_t>(begin));
    if (count <= 0) return Unavailable("the image file cannot be read");
    begin += static_cast<size_t>(count);
  }
  return bytes;
}

}  // namespace

Result<ImageFile> ReadImageFile(const std::string& folder, const std::string& split,
                                const std::string& key) {
  const Status none = NotFound("the server has no image file of this sample");
  if (key.find('\0') != std::string::npos || split.find('\0') != std::string::npos) return none;
  const Descriptor root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const std::string& path : {key, fmt::format("{}/{}", split, key)}) {
    const Descriptor file(OpenBelow(root.get(), path));
    struct stat info {};
    if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const auto size = static_cast<size_t>(info.st_size);
    if (size > kMostImageFileBytes) {
      return ResourceExhausted("the image file of this sample has {} MiB, of at most {}",
                               size >> 20, kMostImageFileBytes >> 20);
    }
    AUGSTORE_ASSIGN(std::string bytes, ReadAll(file.get(), size));
    std::string type = TypeOf(bytes);
    if (type.empty()) continue;
    return ImageFile{std::move(bytes), std::move(type)};
  }
  return none;
}

}  // namespace augstore
