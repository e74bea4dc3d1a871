// The parsers of bytes from outside, each as a function for libFuzzer. A target reads any bytes
// with one parser and aborts unless what the parser promises holds: what it accepts is written
// again as the same value, and so on. tools/fuzz runs them on bytes that libFuzzer makes up,
// replay_test.cc on those of tests/fuzz/corpus.
#ifndef AUGSTORE_TESTS_FUZZ_TARGETS_H_
#define AUGSTORE_TESTS_FUZZ_TARGETS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace augstore::fuzz {

// X(name, fixed): name.cc defines Fuzz_name, and corpus/name has its inputs. It may have
// `fixed` MiB allocated at once, and kBytesPerByte bytes more for each byte of its input.
#define AUGSTORE_FUZZ_TARGETS(X) \
  X(address, 1)                  \
  X(batch, 1)                    \
  X(cifar, 1)                    \
  X(frame, 1)                    \
  X(http, 1)                     \
  X(image_header, 1)             \
  X(json, 1)                     \
  X(key, 1)                      \
  X(manifest, 4)                 \
  X(mark, 1)                     \
  X(message, 1)                  \
  X(names, 1)                    \
  X(npy, 4)                      \
  X(ops, 1)                      \
  X(record, 1)                   \
  X(safetensors, 1)              \
  X(traceparent, 1)              \
  X(weights, 1)

inline constexpr size_t kBytesPerByte = 256;

using Bytes = std::span<const uint8_t>;

#define AUGSTORE_FUZZ_DECLARE(name, fixed)     \
  inline constexpr size_t kMib_##name = fixed; \
  void Fuzz_##name(Bytes input);
AUGSTORE_FUZZ_TARGETS(AUGSTORE_FUZZ_DECLARE)
#undef AUGSTORE_FUZZ_DECLARE

inline std::string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace augstore::fuzz

#endif  // AUGSTORE_TESTS_FUZZ_TARGETS_H_
