// Memory of message bodies and of segments. Both come and go thousands of times a second in few
// sizes, and fresh memory costs a page fault for every 4 KiB: what was freed last is used again,
// while it is still in the processor's caches. Nor does the heap fall to pieces around them: with
// segments from the heap a server's memory grew to twice its budget. And they are in huge pages,
// where the system has them, so that addresses in random order are found in fewer steps.
#ifndef AUGSTORE_SCHEMAS_BASE_BLOCK_MEMORY_H_
#define AUGSTORE_SCHEMAS_BASE_BLOCK_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace augstore {

// Free blocks beyond this many bytes go back to the system.
inline constexpr size_t kKeptBlockBytes = size_t{32} << 20;

// `bytes` uninitialised bytes at a multiple of kAlignment. Throws std::bad_alloc. Thread-safe.
uint8_t* TakeBlock(size_t bytes);
// REQUIRES: `memory` was taken and not returned, or is null. Thread-safe.
void ReturnBlock(uint8_t* memory);
// The same with an owner.
std::shared_ptr<uint8_t[]> SharedBlock(size_t bytes);
// Frees what TakeBlock returned, seen as other elements.
struct BlockFree {
  void operator()(void* memory) const { ReturnBlock(static_cast<uint8_t*>(memory)); }
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_BLOCK_MEMORY_H_
