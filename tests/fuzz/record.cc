#include "schemas/records/records.h"

#include "schemas/records/keys.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

// Whether `bytes` are a T; if so, they are written and read again.
template <typename T>
bool CheckRoundTrip(std::string_view bytes) {
  const Result<T> record = Decode<T>(bytes);
  if (!record.ok()) return false;
  const std::string written = Encode(*record);
  const Result<T> again = Decode<T>(written);
  AUGSTORE_CHECK(again.ok() && Encode(*again) == written);
  return true;
}

}  // namespace

void Fuzz_record(Bytes input) {
  const std::string bytes(Text(input));  // its end is where the sanitizer sees it
  const int kinds = CheckRoundTrip<BackboneRecord>(bytes) +
                    CheckRoundTrip<CollectionRecord>(bytes) + CheckRoundTrip<SampleChunk>(bytes) +
                    CheckRoundTrip<ChunkTable>(bytes) + CheckRoundTrip<ChunkSummary>(bytes) +
                    CheckRoundTrip<TransformRecord>(bytes) + CheckRoundTrip<HeadRecord>(bytes) +
                    CheckRoundTrip<AliasHistory>(bytes) + CheckRoundTrip<KeyRecord>(bytes) +
                    CheckRoundTrip<ErasureRecord>(bytes);
  AUGSTORE_CHECK(kinds <= 1);  // each has an identifier of its own
}

}  // namespace augstore::fuzz
