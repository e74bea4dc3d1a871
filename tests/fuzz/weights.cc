#include "schemas/weights/transform_weights.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

void CheckEqual(const Layers& a, const Layers& b, const std::string& /*written*/) {
  AUGSTORE_CHECK(a.shapes() == b.shapes());
}
void CheckEqual(const TransformWeights& a, const TransformWeights& b, const std::string& written) {
  AUGSTORE_CHECK(a.Values() == b.Values() && a.Values() * sizeof(float) <= written.size());
}

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
  CheckEqual(*again, *value, written);
}

}  // namespace

void Fuzz_weights(Bytes input) {
  const std::string bytes(Text(input));
  CheckRoundTrip<Layers>(bytes);
  CheckRoundTrip<TransformWeights>(bytes);
}

}  // namespace augstore::fuzz
