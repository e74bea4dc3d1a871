#include "schemas/message_memory.h"

#include <mutex>
#include <vector>

#include "schemas/types.h"

namespace augstore {
namespace {

// Sizes that share memory are rounded up to a multiple of this; smaller ones the allocator serves
// well by itself, and larger ones are rare.
constexpr size_t kUnit = size_t{64} << 10;
constexpr size_t kLargest = kKeptMessageBytes / 4;

size_t Rounded(size_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

// With kept memory a sanitizer would not see who uses what he has returned.
bool IsKept([[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return bytes >= kUnit && bytes <= kLargest;
#endif
}

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
    while (bytes_ + size > kKeptMessageBytes) {
      AlignedFree()(blocks_.front().memory);
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
  KeptMemory() { blocks_.reserve(kKeptMessageBytes / kUnit); }  // returning memory must not throw

  std::mutex mutex_;
  std::vector<Block> blocks_;  // the last returned is the last; guarded by mutex_
  size_t bytes_ = 0;           // of blocks_; guarded by mutex_
};

}  // namespace

uint8_t* TakeMessageMemory(size_t bytes) {
  if (!IsKept(bytes)) return AlignedAlloc<uint8_t>(bytes).release();
  const size_t size = Rounded(bytes);
  uint8_t* const kept = KeptMemory::Instance().Find(size);
  return kept != nullptr ? kept : AlignedAlloc<uint8_t>(size).release();
}

void ReturnMessageMemory(uint8_t* memory, size_t bytes) {
  if (memory == nullptr) return;
  if (!IsKept(bytes)) return AlignedFree()(memory);
  KeptMemory::Instance().Keep(memory, Rounded(bytes));
}

std::shared_ptr<uint8_t[]> MessageMemory(size_t bytes) {
  return {TakeMessageMemory(bytes),
          [bytes](uint8_t* memory) { ReturnMessageMemory(memory, bytes); }};
}

}  // namespace augstore
