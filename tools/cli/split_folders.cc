#include "tools/cli/split_folders.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace augstore {
namespace {

namespace fs = std::filesystem;

bool IsSplitName(std::string name) {
  static const std::set<std::string> names = {"train", "test", "val", "valid", "validation"};
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return names.contains(name);
}

// What can be listed of a folder: ListImages, which comes next, reports what cannot.
std::vector<fs::directory_entry> Folders(const fs::path& folder) {
  std::vector<fs::directory_entry> folders;
  std::error_code error;
  for (fs::directory_iterator i(folder, error); !error && i != fs::directory_iterator();
       i.increment(error)) {
    std::error_code unknown;
    if (i->is_directory(unknown)) folders.push_back(*i);
  }
  return folders;
}

// A folder of splits would become a collection whose classes are called train and test.
Status RefuseFolderOfSplits(const std::string& images) {
  std::set<std::string> splits;
  bool has_others = false;
  for (const fs::directory_entry& entry : Folders(images)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (IsSplitName(name) && !Folders(entry.path()).empty()) {
      splits.insert(name);
    } else {
      has_others = true;
    }
  }
  // A folder "train" beside others may be a class.
  if (splits.empty() || (has_others && splits.size() == 1)) return OkStatus();
  const std::string first = *splits.begin();
  return InvalidArgument(
      "--images {} holds splits ({}), each with its class folders: take one at a time, such as "
      "--images {} --split {}",
      images, fmt::join(splits, ", "), (fs::path(images) / first).string(), first);
}

// The same without class folders, or a manifest whose labels are its splits.
Status RefuseClassesOfSplits(const std::string& images, const ImageSource& source) {
  if (source.classes.size() < 2 || !std::ranges::all_of(source.classes, IsSplitName))
    return OkStatus();
  return InvalidArgument(
      "the classes of --images {} would be {}, which are splits: take one folder at a time with "
      "--split, or write a CSV manifest path,label,split",
      images, fmt::join(source.classes, ", "));
}

}  // namespace

Result<ImageSource> ListClasses(const std::string& images) {
  AUGSTORE_TRY(RefuseFolderOfSplits(images));
  AUGSTORE_ASSIGN(ImageSource source, ListImages(images));
  AUGSTORE_TRY(RefuseClassesOfSplits(images, source));
  return source;
}

}  // namespace augstore
