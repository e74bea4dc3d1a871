#include "engine/images/image_source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "engine/images/image_cifar.h"
#include "engine/images/image_io.h"
#include "engine/images/image_manifest.h"
#include "schemas/base/files.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

// The extension in small letters, with its dot.
std::string Extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

bool IsImageName(const fs::path& path) {
  static const std::set<std::string> known = {".jpg", ".jpeg", ".png",  ".ppm", ".bmp",
                                              ".pgm", ".tif",  ".tiff", ".webp"};
  return known.contains(Extension(path));
}

// What is in a folder and is not hidden, sorted bytewise.
struct Listing {
  std::vector<std::string> folders;
  std::vector<std::string> files;
};

Result<Listing> ListFolder(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code broken;
    const fs::file_status status = entry->status(broken);
    if (fs::is_directory(status)) {
      listing.folders.push_back(name);
    } else if (fs::is_regular_file(status) || IsImageName(name)) {
      listing.files.push_back(
          name);  // a broken link or a pipe is named and skipped when it is read
    }
  }
  if (error) {
    return InvalidArgument("folder '{}' cannot be read: {}; check its permissions", folder.string(),
                           error.message());
  }
  std::sort(listing.folders.begin(), listing.folders.end());
  std::sort(listing.files.begin(), listing.files.end());
  return listing;
}

// Lists the images of one class. Every folder counts once, so that a link to a folder above ends
// there.
class ClassWalker {
 public:
  ClassWalker(const fs::path& root, int32_t label, ImageSource& source)
      : root_(root), label_(label), source_(source) {
    static_cast<void>(Enter(root));
  }

  // `relative` is the folder's path below the root.
  Status Walk(const fs::path& relative) {
    AUGSTORE_ASSIGN(const bool entered, Enter(root_ / relative));
    if (!entered) return OkStatus();
    AUGSTORE_ASSIGN(const Listing listing, ListFolder(root_ / relative));
    AddFiles(relative, listing.files);
    for (const std::string& name : listing.folders) AUGSTORE_TRY(Walk(relative / name));
    return OkStatus();
  }

  void AddFiles(const fs::path& relative, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!IsImageName(name)) continue;
      ImageItem item;
      item.key = (relative / name).generic_string();
      item.path = (root_ / relative / name).string();
      item.label = label_;
      source_.items.push_back(std::move(item));
    }
  }

 private:
  // False when the folder was there before.
  Result<bool> Enter(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) {
      return InvalidArgument("folder '{}' cannot be read: {}", folder.string(), error.message());
    }
    return seen_.insert(real.string()).second;
  }

  const fs::path root_;
  const int32_t label_;
  ImageSource& source_;
  std::set<std::string> seen_;
};

Result<ImageSource> ListClassFolders(const std::string& path, const Listing& top) {
  ImageSource source;
  for (const std::string& name : top.folders) {
    const size_t before = source.items.size();
    ClassWalker walker(path, static_cast<int32_t>(source.classes.size()), source);
    AUGSTORE_TRY(walker.Walk(name));
    if (source.items.size() == before) continue;
    std::sort(source.items.begin() + static_cast<ptrdiff_t>(before), source.items.end(),
              [](const ImageItem& a, const ImageItem& b) { return a.key < b.key; });
    source.classes.push_back(name);
  }
  ClassWalker(path, -1, source).AddFiles("", top.files);
  if (source.items.empty()) {
    return InvalidArgument(
        "'{}' holds no images; name a folder with class folders of images, a folder of CIFAR .bin "
        "files, or a CSV manifest",
        path);
  }
  if (source.classes.size() > kMaxClasses) {
    return InvalidArgument("'{}' holds {} class folders; the limit is {}", path,
                           source.classes.size(), kMaxClasses);
  }
  return source;
}

Result<ImageSource> ListFile(const std::string& path) {
  const std::string extension = Extension(path);
  if (extension == ".csv") return ReadManifest(path);
  if (extension == ".bin") return ListCifar({path});
  return InvalidArgument(
      "'{}' is neither a folder nor a CSV manifest (.csv) nor a CIFAR file (.bin)", path);
}

}  // namespace

Result<ImageSource> ListImages(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return NotFound("'{}' does not exist; name a folder of images, a CSV manifest or a CIFAR file",
                    path);
  }
  if (error) return InvalidArgument("'{}' cannot be read: {}", path, error.message());
  if (!fs::is_directory(status)) return ListFile(path);
  AUGSTORE_ASSIGN(const Listing top, ListFolder(path));
  std::vector<std::string> cifar;
  for (const std::string& name : top.files) {
    if (Extension(name) == ".bin") cifar.push_back((fs::path(path) / name).string());
  }
  return cifar.empty() ? ListClassFolders(path, top) : ListCifar(cifar);
}

Result<std::string> ReadItem(const ImageItem& item) {
  if (!item.cifar) return ReadFile(item.path, kMaxImageBytes);
  std::ifstream file(item.path, std::ios::binary);
  if (!file) return NotFound("'{}' (image '{}') cannot be opened", item.path, item.key);
  std::string pixels(kCifarPixelBytes, '\0');
  file.seekg(static_cast<std::streamoff>(item.offset));
  file.read(pixels.data(), static_cast<std::streamsize>(pixels.size()));
  if (file.bad()) return Unavailable("'{}': reading image '{}' failed", item.path, item.key);
  if (static_cast<size_t>(file.gcount()) != pixels.size()) {
    return Unavailable("'{}' ends before image '{}': it has become shorter since it was listed",
                       item.path, item.key);
  }
  return pixels;
}

Result<Image> DecodeItem(const ImageItem& item, std::string_view bytes) {
  if (item.cifar) return DecodeCifar(bytes, item.key);
  return DecodeImage({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, item.key);
}

}  // namespace augstore
