#include "engine/images/image_manifest.h"

#include <set>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

std::string Quoted(std::string_view field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

std::string Write(const ImageSource& source) {
  std::string text = "path,label,split\n";
  for (const ImageItem& item : source.items) {
    const std::string label =
        item.label < 0 ? "" : source.classes.at(static_cast<size_t>(item.label));
    text += Quoted(item.key) + "," + Quoted(label) + "," + Quoted(item.split) + "\n";
  }
  return text;
}

// A label that is a number lists the classes below it, a million at most: libFuzzer would try
// nothing else for long.
bool HasLongNumber(std::string_view text) {
  size_t digits = 0;
  for (const char c : text) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 4) return true;
  }
  return false;
}

}  // namespace

void Fuzz_manifest(Bytes input) {
  if (HasLongNumber(Text(input))) return;
  const Result<ImageSource> source = ParseManifest(Text(input), "m.csv", "folder");
  if (!source.ok()) return;
  AUGSTORE_CHECK(!source->items.empty());
  std::set<std::string_view> keys;
  for (const ImageItem& item : source->items) {
    AUGSTORE_CHECK(!item.key.empty() && keys.insert(item.key).second);
    AUGSTORE_CHECK(item.label >= -1 && item.label < static_cast<int64_t>(source->classes.size()));
  }
  const Result<ImageSource> again = ParseManifest(Write(*source), "m.csv", "folder");
  AUGSTORE_CHECK(again.ok() && again->classes == source->classes);
  AUGSTORE_CHECK(again->items.size() == source->items.size());
  for (size_t i = 0; i < again->items.size(); ++i) {
    const ImageItem &a = again->items[i], &b = source->items[i];
    AUGSTORE_CHECK(a.key == b.key && a.path == b.path && a.label == b.label && a.split == b.split);
  }
}

}  // namespace augstore::fuzz
