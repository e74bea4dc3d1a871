// The safetensors file format: u64 little-endian header length, JSON header, tensor bytes. Read
// with bounds on everything.
#ifndef AUGSTORE_SCHEMAS_WEIGHTS_SAFETENSORS_H_
#define AUGSTORE_SCHEMAS_WEIGHTS_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

struct TensorView {
  std::string name;
  std::string dtype;  // "F32", "I64", …
  std::vector<uint64_t> shape;
  std::span<const uint8_t>
      data;  // points into the parsed bytes (parse) or the caller's memory (write)
};

struct SafetensorsView {
  std::map<std::string, std::string> metadata;
  std::vector<TensorView> tensors;  // by name
};

// Errors: kInvalidArgument: header length, JSON, unknown dtype, a size that does not match shape
// and dtype, offsets that overlap, leave holes or lie outside. The view points into `bytes`.
Result<SafetensorsView> ParseSafetensors(std::string_view bytes);

// Canonical: tensors in the order given, metadata by key, header padded with blanks to a multiple
// of 8.
std::string WriteSafetensors(const std::map<std::string, std::string>& metadata,
                             std::span<const TensorView> tensors);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WEIGHTS_SAFETENSORS_H_
