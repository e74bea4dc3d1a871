#include "engine/images/image_cifar.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "schemas/base/files.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

struct Layout {
  size_t label_bytes = 1;
  std::vector<std::string> classes;
  size_t record_bytes() const { return label_bytes + kCifarPixelBytes; }
};

// The lines of the file `name` in `folder`, without blank ones; empty when there is no such file.
Result<std::vector<std::string>> ReadNames(const fs::path& folder, const char* name) {
  std::vector<std::string> names;
  const Result<std::string> text = ReadFile((folder / name).string(), kMaxTextBytes);
  if (text.status().code() == Code::kNotFound) return names;
  AUGSTORE_TRY(text);
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t size = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, size);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) names.emplace_back(line);
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return names;
}

std::vector<std::string> NumberNames(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// `sizes`: of all files. The files with the names of the classes decide, then the sizes.
Result<Layout> FindLayout(const fs::path& folder, const std::vector<uint64_t>& sizes) {
  const auto fits = [&sizes](size_t label_bytes) {
    return std::all_of(sizes.begin(), sizes.end(), [label_bytes](uint64_t size) {
      return size % (label_bytes + kCifarPixelBytes) == 0;
    });
  };
  AUGSTORE_ASSIGN(std::vector<std::string> fine, ReadNames(folder, "fine_label_names.txt"));
  AUGSTORE_ASSIGN(std::vector<std::string> ten, ReadNames(folder, "batches.meta.txt"));
  if (!fine.empty() && fits(2)) return Layout{2, std::move(fine)};
  if (!ten.empty() && fits(1)) return Layout{1, std::move(ten)};
  if (fits(1)) return Layout{1, NumberNames(10)};
  if (fits(2)) return Layout{2, NumberNames(100)};
  return InvalidArgument(
      "the .bin files in '{}' are no CIFAR files: their sizes are not multiples of 3073 bytes "
      "(CIFAR-10), nor of 3074 (CIFAR-100)",
      folder.string());
}

Status ListRecords(const std::string& path, uint64_t size, const Layout& layout,
                   ImageSource& source) {
  std::ifstream file(path, std::ios::binary);
  std::string record(layout.record_bytes(), '\0');
  const std::string name = fs::path(path).filename().string();
  for (uint64_t i = 0; i < size / record.size(); ++i) {
    if (!file.read(record.data(), static_cast<std::streamsize>(record.size()))) {
      return Unavailable("'{}': reading record {} failed; try again", path, i);
    }
    const auto label = static_cast<uint8_t>(record[layout.label_bytes - 1]);
    if (label >= layout.classes.size()) {
      return InvalidArgument(
          "'{}': record {} has label {}, but there are {} classes; is it a CIFAR file?", path, i,
          label, layout.classes.size());
    }
    ImageItem item;
    item.key = fmt::format("{}#{}", name, i);
    item.label = label;
    if (name.starts_with("test")) item.split = "test";  // test_batch.bin, test.bin
    item.path = path;
    item.offset = i * record.size() + layout.label_bytes;
    item.cifar = true;
    source.items.push_back(std::move(item));
  }
  return OkStatus();
}

}  // namespace

Result<ImageSource> ListCifar(const std::vector<std::string>& paths) {
  std::vector<uint64_t> sizes;
  for (const std::string& path : paths) {
    std::error_code error;
    sizes.push_back(fs::file_size(path, error));
    if (error) return NotFound("'{}' cannot be read: {}", path, error.message());
    if (sizes.back() == 0) return InvalidArgument("'{}' is empty; download it again", path);
  }
  AUGSTORE_ASSIGN(const Layout layout, FindLayout(fs::path(paths[0]).parent_path(), sizes));
  ImageSource source;
  source.classes = layout.classes;
  for (size_t i = 0; i < paths.size(); ++i) {
    AUGSTORE_TRY(ListRecords(paths[i], sizes[i], layout, source));
  }
  return source;
}

Result<Image> DecodeCifar(std::string_view bytes, std::string_view name) {
  if (bytes.size() != kCifarPixelBytes) {
    return InvalidArgument("image '{}' has {} bytes; a CIFAR image has {}", name, bytes.size(),
                           kCifarPixelBytes);
  }
  Image image{32, 32, std::vector<uint8_t>(kCifarPixelBytes)};
  constexpr size_t kPixels = kCifarPixelBytes / 3;
  for (size_t i = 0; i < kPixels; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      image.rgb[i * 3 + c] = static_cast<uint8_t>(bytes[c * kPixels + i]);
    }
  }
  return image;
}

}  // namespace augstore
