// One target for libFuzzer: the build names it. Compiled by tools/fuzz's build alone.
#include <sanitizer/allocator_interface.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/targets.h"

namespace {

#define AUGSTORE_JOIN(a, b) a##b
#define AUGSTORE_NAME(prefix, target) AUGSTORE_JOIN(prefix, target)
constexpr auto kTarget = &augstore::fuzz::AUGSTORE_NAME(Fuzz_, AUGSTORE_FUZZ_TARGET);
constexpr size_t kFixedBytes = augstore::fuzz::AUGSTORE_NAME(kMib_, AUGSTORE_FUZZ_TARGET) << 20;

// Bytes that are allocated now, and at most since they were set: a parser that believes the length
// that a few bytes claim shows itself here.
std::atomic<int64_t> allocated = 0;
std::atomic<int64_t> peak = 0;

void Allocated(const volatile void*, size_t bytes) {
  const int64_t now = allocated += static_cast<int64_t>(bytes);
  if (now > peak) peak = now;
}
void Freed(const volatile void* memory) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): the interface differs in it.
  allocated -= static_cast<int64_t>(__sanitizer_get_allocated_size(const_cast<void*>(memory)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int hooked = __sanitizer_install_malloc_and_free_hooks(Allocated, Freed);
  if (hooked == 0) std::abort();
  const int64_t before = allocated;
  peak = before;
  kTarget({data, size});
  const size_t most = kFixedBytes + augstore::fuzz::kBytesPerByte * size;
  const auto taken = static_cast<size_t>(peak - before);
  if (taken > most) {
    std::fprintf(stderr, "%zu bytes of input took %zu bytes of memory, more than %zu\n", size,
                 taken, most);
    std::abort();
  }
  return 0;
}
