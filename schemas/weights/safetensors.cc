#include "schemas/weights/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr int kMaxDepth = 3;  // the header > a tensor > its shape
constexpr std::string_view kMetadataKey = "__metadata__";

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string_view name;
  auto operator<=>(const Extent&) const = default;
};

// Bytes of one element, or 0 for an unknown dtype.
uint64_t ElementBytes(std::string_view dtype) {
  constexpr std::array<std::pair<std::string_view, uint64_t>, 15> kBytes = {{{"BOOL", 1},
                                                                             {"U8", 1},
                                                                             {"I8", 1},
                                                                             {"F8_E4M3", 1},
                                                                             {"F8_E5M2", 1},
                                                                             {"U16", 2},
                                                                             {"I16", 2},
                                                                             {"F16", 2},
                                                                             {"BF16", 2},
                                                                             {"U32", 4},
                                                                             {"I32", 4},
                                                                             {"F32", 4},
                                                                             {"U64", 8},
                                                                             {"I64", 8},
                                                                             {"F64", 8}}};
  for (const auto& [name, bytes] : kBytes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

// Follows the parser and remembers what plain JSON allows and this format does not.
class HeaderGuard {
 public:
  bool Allow(int depth, json::parse_event_t event, const json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys_.emplace_back();
        return CheckDepth(depth);
      case json::parse_event_t::array_start:
        return CheckDepth(depth);
      case json::parse_event_t::object_end:
        keys_.pop_back();
        return true;
      case json::parse_event_t::key:
        return CheckKey(value.get_ref<const std::string&>());
      default:
        return true;
    }
  }
  const Status& status() const { return status_; }

 private:
  bool CheckDepth(int depth) {
    if (depth < kMaxDepth) return true;
    Refuse(InvalidArgument("safetensors header is nested deeper than {} levels: it is damaged",
                           kMaxDepth));
    return false;
  }
  bool CheckKey(const std::string& key) {
    if (keys_.back().insert(key).second) return true;
    Refuse(InvalidArgument("safetensors header has the key '{:.200}' twice: give each tensor once",
                           key));
    return false;
  }
  void Refuse(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  std::vector<std::set<std::string>> keys_;  // of the objects that are open
  Status status_;
};

Result<json> ParseHeader(std::string_view text) {
  if (!text.starts_with('{')) {
    return InvalidArgument("safetensors header does not begin with '{{': the file is damaged");
  }
  HeaderGuard guard;
  try {
    json header = json::parse(text, [&guard](int depth, json::parse_event_t event, json& value) {
      return guard.Allow(depth, event, value);
    });
    AUGSTORE_TRY(guard.status());
    return header;
  } catch (const json::exception& error) {
    return InvalidArgument("safetensors header is not JSON: {:.500}", error.what());
  }
}

Status ReadMetadata(const json& value, std::map<std::string, std::string>* metadata) {
  if (!value.is_object()) {
    return InvalidArgument("safetensors metadata is not an object: write {{\"key\": \"value\"}}");
  }
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      return InvalidArgument("safetensors metadata '{:.200}' is not a string: write it as one",
                             key);
    }
    (*metadata)[key] = text.get_ref<const std::string&>();
  }
  return OkStatus();
}

Result<std::vector<uint64_t>> ReadUnsigned(const json& value, const std::string& name,
                                           std::string_view field) {
  std::vector<uint64_t> numbers;
  bool valid = value.is_array();
  if (valid) {
    for (const json& number : value) {
      valid = valid && number.is_number_unsigned();
      numbers.push_back(valid ? number.get<uint64_t>() : 0);
    }
  }
  if (!valid) {
    return InvalidArgument("tensor '{}' has a {} that is no list of non-negative integers", name,
                           field);
  }
  return numbers;
}

Status CheckSize(const TensorView& tensor, const Extent& extent) {
  uint64_t bytes = ElementBytes(tensor.dtype);
  if (bytes == 0) {
    return InvalidArgument("tensor '{}' has the unknown dtype '{:.50}': give F32", tensor.name,
                           tensor.dtype);
  }
  for (uint64_t size : tensor.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) {
      return InvalidArgument("tensor '{}' has a shape whose size overflows 64 bits", tensor.name);
    }
  }
  if (extent.end - extent.begin != bytes) {
    return InvalidArgument("tensor '{}' has {} bytes of data, but its shape and dtype take {}",
                           tensor.name, extent.end - extent.begin, bytes);
  }
  return OkStatus();
}

// `data` is all tensors' bytes. The extent's name points into `name`.
Status ReadTensor(const std::string& name, const json& value, std::span<const uint8_t> data,
                  TensorView* tensor, Extent* extent) {
  if (name.size() > kMaxNameBytes) {
    return InvalidArgument("tensor '{:.200}...' has a name of {} bytes: give at most {}", name,
                           name.size(), kMaxNameBytes);
  }
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    return InvalidArgument("tensor '{}' does not have exactly dtype, shape and data_offsets", name);
  }
  if (!value["dtype"].is_string()) {
    return InvalidArgument("tensor '{}' has a dtype that is not a string", name);
  }
  tensor->name = name;
  tensor->dtype = value["dtype"].get_ref<const std::string&>();
  AUGSTORE_ASSIGN(tensor->shape, ReadUnsigned(value["shape"], name, "shape"));
  AUGSTORE_ASSIGN(const auto offsets, ReadUnsigned(value["data_offsets"], name, "data_offsets"));
  if (offsets.size() != 2) {
    return InvalidArgument("tensor '{}' has {} data_offsets: give begin and end", name,
                           offsets.size());
  }
  *extent = {offsets[0], offsets[1], name};
  if (extent->begin > extent->end || extent->end > data.size()) {
    return InvalidArgument("tensor '{}' has the data_offsets [{}, {}], outside of {} bytes of data",
                           name, extent->begin, extent->end, data.size());
  }
  AUGSTORE_TRY(CheckSize(*tensor, *extent));
  tensor->data = data.subspan(extent->begin, extent->end - extent->begin);
  return OkStatus();
}

// The tensors' bytes must cover `size` bytes, each once.
Status CheckCover(std::vector<Extent> extents, uint64_t size) {
  std::sort(extents.begin(), extents.end());
  uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != covered) {
      return InvalidArgument("tensor '{}' begins at byte {}: data before it ends at {}, so they {}",
                             extent.name, extent.begin, covered,
                             extent.begin < covered ? "overlap" : "leave a hole");
    }
    covered = extent.end;
  }
  if (covered == size) return OkStatus();
  return InvalidArgument("safetensors data has {} bytes, but its tensors end at {}", size, covered);
}

}  // namespace

Result<SafetensorsView> ParseSafetensors(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return InvalidArgument(
        "safetensors has {} bytes, too few for the header's length: give the whole file",
        bytes.size());
  }
  const std::span<const uint8_t> all{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{all[i]} << (8 * i);
  if (length > kMaxSafetensorsHeaderBytes) {
    return InvalidArgument(
        "safetensors header has {} bytes, more than the limit of {}: the file is "
        "damaged or of another format",
        length, kMaxSafetensorsHeaderBytes);
  }
  if (length > bytes.size() - kLengthBytes) {
    return InvalidArgument(
        "safetensors header has {} bytes, but only {} follow: give the whole file", length,
        bytes.size() - kLengthBytes);
  }
  AUGSTORE_ASSIGN(const json header, ParseHeader(bytes.substr(kLengthBytes, length)));
  const std::span<const uint8_t> data = all.subspan(kLengthBytes + length);
  SafetensorsView view;
  std::vector<Extent> extents;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      AUGSTORE_TRY(ReadMetadata(value, &view.metadata));
      continue;
    }
    AUGSTORE_TRY(
        ReadTensor(name, value, data, &view.tensors.emplace_back(), &extents.emplace_back()));
  }
  AUGSTORE_TRY(CheckCover(std::move(extents), data.size()));
  return view;
}

std::string WriteSafetensors(const std::map<std::string, std::string>& metadata,
                             std::span<const TensorView> tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  uint64_t size = 0;
  for (const TensorView& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {size, size + tensor.data.size()}}};
    size += tensor.data.size();
  }
  // Bytes that are no UTF-8 are replaced: dump() would throw.
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  bytes.reserve(kLengthBytes + text.size() + size);
  for (size_t i = 0; i < kLengthBytes; ++i) {
    bytes += static_cast<char>(static_cast<uint8_t>(uint64_t{text.size()} >> (8 * i)));
  }
  bytes += text;
  for (const TensorView& tensor : tensors) {
    bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  }
  return bytes;
}

}  // namespace augstore
