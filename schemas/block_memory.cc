#include "schemas/block_memory.h"

#include <cstring>
#include <mutex>
#include <vector>

#include "schemas/types.h"

namespace augstore {
namespace {

// Sizes that share memory are rounded up to a multiple of this; smaller ones the allocator serves
// well by itself, and larger ones are rare.
constexpr size_t kUnit = size_t{64} << 10;
constexpr size_t kLargest = kKeptBlockBytes / 4;

// With kept memory a sanitizer would not see who uses what he has returned.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

bool IsKept(size_t size) { return !kSanitized && size >= kUnit && size <= kLargest; }

// Every block begins with its size, in as many bytes as keep what follows aligned: FlatBuffers
// returns memory under another size than it asked for when an allocation between has failed.
uint8_t* Allocate(size_t size) {
  uint8_t* const block = AlignedAlloc<uint8_t>(kAlignment + size).release();
  std::memcpy(block, &size, sizeof size);
  return block + kAlignment;
}

size_t SizeOf(const uint8_t* memory) {
  size_t size = 0;
  std::memcpy(&size, memory - kAlignment, sizeof size);
  return size;
}

void Free(uint8_t* memory) { AlignedFree()(memory - kAlignment); }

class KeptMemory {
 public:
  static KeptMemory& Instance() {
    static KeptMemory* instance = new KeptMemory;  // outlives whoever returns memory late
    return *instance;
  }

  // Null when nothing of this size is kept.
  uint8_t* Find(size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = blocks_.size(); i-- > 0;) {
      if (blocks_[i].size != size) continue;
      uint8_t* memory = blocks_[i].memory;
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(i));
      bytes_ -= size;
      return memory;
    }
    return nullptr;
  }

  // The longest unused goes to make room.
  void Keep(uint8_t* memory, size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (bytes_ + size > kKeptBlockBytes) {
      Free(blocks_.front().memory);
      bytes_ -= blocks_.front().size;
      blocks_.erase(blocks_.begin());
    }
    blocks_.push_back({memory, size});
    bytes_ += size;
  }

 private:
  struct Block {
    uint8_t* memory;
    size_t size;
  };
  KeptMemory() { blocks_.reserve(kKeptBlockBytes / kUnit); }  // returning memory must not throw

  std::mutex mutex_;
  std::vector<Block> blocks_;  // the last returned is the last; guarded by mutex_
  size_t bytes_ = 0;           // of blocks_; guarded by mutex_
};

}  // namespace

uint8_t* TakeBlock(size_t bytes) {
  const size_t rounded = (bytes + kUnit - 1) / kUnit * kUnit;
  if (bytes < kUnit || !IsKept(rounded)) return Allocate(bytes);
  uint8_t* const kept = KeptMemory::Instance().Find(rounded);
  return kept != nullptr ? kept : Allocate(rounded);
}

void ReturnBlock(uint8_t* memory) {
  if (memory == nullptr) return;
  const size_t size = SizeOf(memory);
  if (!IsKept(size)) return Free(memory);
  KeptMemory::Instance().Keep(memory, size);
}

std::shared_ptr<uint8_t[]> SharedBlock(size_t bytes) {
  return {TakeBlock(bytes), [](uint8_t* memory) { ReturnBlock(memory); }};
}

}  // namespace augstore
