#include "schemas/weights/safetensors.h"

#include <algorithm>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

bool Same(const TensorView& a, const TensorView& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape &&
         std::ranges::equal(a.data, b.data);
}

}  // namespace

void Fuzz_safetensors(Bytes input) {
  const std::string bytes(Text(input));
  const Result<SafetensorsView> view = ParseSafetensors(bytes);
  if (!view.ok()) return;
  const std::string written = WriteSafetensors(view->metadata, view->tensors);
  const Result<SafetensorsView> again = ParseSafetensors(written);
  AUGSTORE_CHECK(again.ok() && again->metadata == view->metadata);
  AUGSTORE_CHECK(std::ranges::equal(again->tensors, view->tensors, Same));
  AUGSTORE_CHECK(WriteSafetensors(again->metadata, again->tensors) == written);
}

}  // namespace augstore::fuzz
