#include "engine/images/image_cifar.h"

#include <algorithm>
#include <filesystem>

#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

constexpr size_t kMostRecords = 4;

// What a file of CIFAR says is in its size and in few of its bytes, so the input is: which file of
// class names there is (of 0: none), how the file's size differs from whole records, the bytes of
// the class names, these, and the labels.
struct Description {
  const char* names_file = nullptr;
  std::string names;
  std::string file;
};

Description Describe(Bytes input) {
  constexpr const char* kNames[] = {nullptr, "fine_label_names.txt", "batches.meta.txt"};
  Description result;
  result.names_file = kNames[input[0] % 3];
  const size_t names = std::min<size_t>(input[2], input.size() - 3);
  result.names = Text(input.subspan(3, names));
  const Bytes labels = input.subspan(3 + names);
  const size_t label_bytes = input[0] & 128 ? 2 : 1;
  const size_t records = std::min(labels.size() / label_bytes, kMostRecords);
  for (size_t i = 0; i < records; ++i) {
    result.file += Text(labels.subspan(i * label_bytes, label_bytes));
    for (size_t j = 0; j < kCifarPixelBytes; ++j) result.file += static_cast<char>(i + j);
  }
  const size_t size = result.file.size() + input[1];
  result.file.resize(size > 128 ? size - 128 : 0);
  return result;
}

}  // namespace

void Fuzz_cifar(Bytes input) {
  if (input.size() < 3) return;
  const Description given = Describe(input);
  const TempDir& folder = Folder();
  for (const char* name : {"fine_label_names.txt", "batches.meta.txt"})
    std::filesystem::remove(folder.path() + "/" + name);
  if (given.names_file != nullptr) folder.Write(given.names_file, given.names);
  const std::string path = folder.Write("test_batch.bin", given.file);

  const Result<ImageSource> source = ListCifar({path});
  if (!source.ok()) return;
  AUGSTORE_CHECK(!source->items.empty() && !source->classes.empty());
  const size_t record = given.file.size() / source->items.size();
  AUGSTORE_CHECK(given.file.size() % record == 0 && record > kCifarPixelBytes);
  for (size_t i = 0; i < source->items.size(); ++i) {
    const ImageItem& item = source->items[i];
    AUGSTORE_CHECK(item.cifar && item.path == path && item.split == "test");
    AUGSTORE_CHECK(item.offset == i * record + record - kCifarPixelBytes);
    AUGSTORE_CHECK(item.label == static_cast<uint8_t>(given.file[item.offset - 1]));
    AUGSTORE_CHECK(static_cast<size_t>(item.label) < source->classes.size());
    const std::string_view pixels =
        std::string_view(given.file).substr(item.offset, kCifarPixelBytes);
    const Result<Image> image = DecodeCifar(pixels, item.key);
    AUGSTORE_CHECK(image.ok() && image->width == 32 && image->height == 32);
    AUGSTORE_CHECK(image->rgb[3 * 33 + 1] == static_cast<uint8_t>(pixels[1024 + 33]));
  }
}

}  // namespace augstore::fuzz
