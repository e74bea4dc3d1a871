#include "engine/images/image_manifest.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "schemas/base/files.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr size_t kMaxManifestBytes = size_t{1} << 30;

struct CsvLine {
  uint64_t number = 0;  // of its first line in the file; from 1
  std::vector<std::string> fields;
  bool blank() const { return fields.size() == 1 && fields[0].empty(); }
};

// Reads one line after another.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF"))
      text_.remove_prefix(3);  // a mark that some editors write
  }
  bool done() const { return text_.empty(); }

  // Errors: kInvalidArgument, without the manifest's name.
  Result<CsvLine> Next() {
    CsvLine line{number_, {}};
    while (true) {
      AUGSTORE_ASSIGN(std::string field, text_.starts_with('"') ? Quoted() : Result(Plain()));
      line.fields.push_back(std::move(field));
      if (text_.starts_with(',')) {
        text_.remove_prefix(1);
        continue;
      }
      if (text_.starts_with("\r\n")) text_.remove_prefix(1);
      if (!text_.empty()) text_.remove_prefix(1);
      ++number_;
      return line;
    }
  }

 private:
  std::string Plain() {
    size_t size = std::min(text_.find_first_of(",\n"), text_.size());
    const size_t next = size;
    if (next < text_.size() && text_[next] == '\n' && size > 0 && text_[size - 1] == '\r') --size;
    std::string field(text_.substr(0, size));
    text_.remove_prefix(size);
    return field;
  }

  Result<std::string> Quoted() {
    const uint64_t first = number_;
    text_.remove_prefix(1);
    std::string field;
    while (true) {
      const size_t quote = text_.find('"');
      if (quote == std::string_view::npos) {
        return InvalidArgument("line {}: a quote is opened and never closed", first);
      }
      field += text_.substr(0, quote);
      text_.remove_prefix(quote + 1);
      if (!text_.starts_with('"')) break;
      field += '"';
      text_.remove_prefix(1);
    }
    number_ += static_cast<uint64_t>(std::count(field.begin(), field.end(), '\n'));
    if (!text_.empty() && text_[0] != ',' && text_[0] != '\n' && !text_.starts_with("\r\n")) {
      return InvalidArgument("line {}: there is text after a closing quote; write \"\" for a quote",
                             number_);
    }
    return field;
  }

  std::string_view text_;
  uint64_t number_ = 1;
};

// Whether the first line names the columns, as people name them: an image of that name would lack
// its ending.
bool IsHeader(const CsvLine& line) {
  static const std::set<std::string_view> kNames[] = {
      {"path", "file", "filename", "file_name", "filepath", "image", "image_path"},
      {"label", "class", "target", "category"},
      {"split", "set", "subset"}};
  for (size_t i = 0; i < line.fields.size(); ++i) {
    std::string field = line.fields[i];
    for (char& c : field) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (!kNames[i].contains(field)) return false;
  }
  return true;
}

// Many data sets write -1 where there is no label.
bool IsUnlabelled(std::string_view label) { return label.empty() || label == "-1"; }

// The class number that the label is written as: decimal, nothing before or after it.
std::optional<int32_t> ClassNumber(std::string_view label) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (error != std::errc{} || end != label.data() + label.size() || value >= kMaxClasses) {
    return std::nullopt;
  }
  if (label.size() > 1 && label[0] == '0') return std::nullopt;
  return static_cast<int32_t>(value);
}

Status SetClasses(const std::vector<std::string>& labels, ImageSource& source) {
  std::map<std::string, int32_t> numbers;
  for (const std::string& label : labels) {
    if (!IsUnlabelled(label)) numbers.emplace(label, 0);
  }
  if (numbers.size() > kMaxClasses) {
    return InvalidArgument("{} different labels; the limit is {}", numbers.size(), kMaxClasses);
  }
  if (std::all_of(numbers.begin(), numbers.end(),
                  [](const auto& entry) { return ClassNumber(entry.first).has_value(); })) {
    int32_t last = -1;
    for (auto& [label, number] : numbers) last = std::max(last, number = *ClassNumber(label));
    source.classes.reserve(static_cast<size_t>(last) + 1);
    for (int32_t i = 0; i <= last; ++i) source.classes.push_back(std::to_string(i));
  } else {
    for (auto& [label, number] : numbers) {
      number = static_cast<int32_t>(source.classes.size());
      source.classes.push_back(label);
    }
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    source.items[i].label = IsUnlabelled(labels[i]) ? -1 : numbers.at(labels[i]);
  }
  return OkStatus();
}

Status CheckFields(const CsvLine& line, size_t expected) {
  if (line.fields.size() < 2 || line.fields.size() > 3) {
    return InvalidArgument("line {} has {} fields; write path,label or path,label,split",
                           line.number, line.fields.size());
  }
  if (line.fields.size() != expected) {
    return InvalidArgument("line {} has {} fields, the first line {}; write as many in every line",
                           line.number, line.fields.size(), expected);
  }
  const std::string& path = line.fields[0];
  if (path.empty() || path.size() > kMaxKeyBytes || path.find('\0') != std::string::npos) {
    return InvalidArgument("line {}: the path must have 1 to {} bytes, none of them zero",
                           line.number, kMaxKeyBytes);
  }
  if (line.fields[1].size() > kMaxKeyBytes) {
    return InvalidArgument("line {}: the label has more than {} bytes", line.number, kMaxKeyBytes);
  }
  return OkStatus();
}

Result<ImageSource> Parse(std::string_view text, const std::string& folder) {
  ImageSource source;
  std::vector<std::string> labels;
  std::unordered_map<std::string, uint64_t> line_of;
  std::set<std::string> splits;
  size_t fields = 0;
  for (CsvReader reader(text); !reader.done();) {
    AUGSTORE_ASSIGN(CsvLine line, reader.Next());
    if (line.blank()) continue;
    const bool first = fields == 0;
    if (first) fields = line.fields.size();
    AUGSTORE_TRY(CheckFields(line, fields));
    if (first && IsHeader(line)) continue;
    ImageItem item;
    item.key = line.fields[0];
    item.path = (std::filesystem::path(folder) / item.key).string();
    if (line.fields.size() == 3) item.split = line.fields[2];
    const auto [same, inserted] = line_of.emplace(item.key, line.number);
    if (!inserted) {
      return InvalidArgument("line {} names '{}' again, after line {}; list every image once",
                             line.number, item.key, same->second);
    }
    splits.insert(item.split);
    if (splits.size() > kMaxSplits || item.split.size() > kMaxNameBytes) {
      return InvalidArgument("line {}: the limits are {} splits and {} bytes of a split's name",
                             line.number, kMaxSplits, kMaxNameBytes);
    }
    labels.push_back(std::move(line.fields[1]));
    source.items.push_back(std::move(item));
  }
  if (source.items.empty()) return InvalidArgument("it lists no images");
  AUGSTORE_TRY(SetClasses(labels, source));
  return source;
}

}  // namespace

Result<ImageSource> ParseManifest(std::string_view text, const std::string& name,
                                  const std::string& folder) {
  Result<ImageSource> source = Parse(text, folder);
  if (!source.ok()) return source.status().WithContext(fmt::format("manifest '{}'", name));
  return source;
}

Result<ImageSource> ReadManifest(const std::string& path) {
  AUGSTORE_ASSIGN(const std::string text, ReadFile(path, kMaxManifestBytes));
  return ParseManifest(text, path, std::filesystem::path(path).parent_path().string());
}

}  // namespace augstore
