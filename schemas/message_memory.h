// Memory of message bodies. Batches of one size come and go thousands of times a second, and fresh
// memory costs a page fault for every 4 KiB: what was freed last is used again, while it is still
// in the processor's caches.
#ifndef AUGSTORE_SCHEMAS_MESSAGE_MEMORY_H_
#define AUGSTORE_SCHEMAS_MESSAGE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace augstore {

// At most this much is kept for later.
inline constexpr size_t kKeptMessageBytes = size_t{32} << 20;

// `bytes` uninitialised bytes at a multiple of kAlignment. Throws std::bad_alloc. Thread-safe.
uint8_t* TakeMessageMemory(size_t bytes);
// REQUIRES: `memory` was taken and not returned, or is null. Thread-safe.
void ReturnMessageMemory(uint8_t* memory);
// The same with an owner.
std::shared_ptr<uint8_t[]> MessageMemory(size_t bytes);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_MESSAGE_MEMORY_H_
