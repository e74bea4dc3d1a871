#include "schemas/weights/transform_weights.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

// Canonical bytes, of a value that is valid.
template <typename T>
void CheckRoundTrip(const std::string& bytes) {
  const Result<T> value = T::FromSafetensors(bytes);
  if (!value.ok()) return;
  AUGSTORE_CHECK(value->Validate().ok());
  const std::string written = value->ToSafetensors();
  const Result<T> again = T::FromSafetensors(written);
  AUGSTORE_CHECK(again.ok() && again->ToSafetensors() == written);
  AUGSTORE_CHECK(again->MultiplyAdds() == value->MultiplyAdds());
}

}  // namespace

void Fuzz_weights(Bytes input) {
  const std::string bytes(Text(input));
  CheckRoundTrip<Layers>(bytes);
  CheckRoundTrip<TransformWeights>(bytes);
}

}  // namespace augstore::fuzz
