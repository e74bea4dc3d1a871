// Hashes: SHA-256 for identities, XXH3 for checksums. Thread-safe functions.
#ifndef AUGSTORE_SCHEMAS_BASE_DIGEST_H_
#define AUGSTORE_SCHEMAS_BASE_DIGEST_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schemas/base/types.h"

namespace augstore {

// Incremental SHA-256. Integers are added little-endian; text is added with its length before it,
// so that no two different sequences of calls feed the same bytes.
class DigestBuilder {
 public:
  DigestBuilder();
  ~DigestBuilder();
  DigestBuilder(const DigestBuilder&) = delete;
  DigestBuilder& operator=(const DigestBuilder&) = delete;

  DigestBuilder& AddBytes(std::span<const uint8_t> bytes);  // raw, no length
  DigestBuilder& AddText(std::string_view text);            // u64 length, then the bytes
  DigestBuilder& AddU64(uint64_t value);
  Digest Finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest Sha256(std::span<const uint8_t> bytes);
// Errors: kNotFound (no such file), kUnavailable (reading failed); both name the path.
Result<Digest> Sha256File(const std::string& path);

// The first 16 bytes of the SHA-256. A hash that anybody can collide (XXH3 has no key) would let a
// crafted image take the place of another's embedding.
ContentHash HashContent(std::span<const uint8_t> bytes);
// The hash under which Φ(op(x)) is kept: depends on the image's hash and the op's canonical text,
// and differs from every image's own hash. It is the last 16 bytes of the SHA-256 of the image's
// hash and the op's text. An empty op returns `image` itself.
ContentHash DeriveHash(const ContentHash& image, std::string_view op);

// XXH3-64, for checksums of stored segments.
uint64_t Checksum64(std::span<const uint8_t> bytes);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_DIGEST_H_
