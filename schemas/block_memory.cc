#include "schemas/block_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "schemas/types.h"

namespace augstore {
namespace {

// Sizes from here on are carved from slabs; smaller ones the allocator serves well by itself.
constexpr size_t kSmallest = size_t{64} << 10;
constexpr size_t kLargest = kKeptBlockBytes / 4;
// A slab's memory comes from the system when it is touched, one huge page after the other.
constexpr size_t kSlabBytes = size_t{32} << 20;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPage = 4096;

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

bool IsKept(size_t size) { return !kSanitized && size >= kSmallest && size <= kLargest; }

// The size whose blocks serve `bytes`: at most a sixteenth more.
size_t ClassOf(size_t bytes) {
  const size_t step = std::max(kPage, std::bit_floor(bytes) / 16);
  return (bytes + step - 1) / step * step;
}

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

// Gives the system the whole pages between two addresses; they read as zeros from then on.
void Release(uint8_t* begin, uint8_t* end) {
#if defined(__linux__)
  const auto up = [](uint8_t* at) { return (reinterpret_cast<uintptr_t>(at) + kPage - 1) / kPage; };
  const uintptr_t first = up(begin) * kPage;
  const uintptr_t last = reinterpret_cast<uintptr_t>(end) / kPage * kPage;
  // When the system refuses, the memory stays ours: nothing else follows from it.
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
#endif
}

// Blocks in slabs of huge pages: rows read in random order cost one look-up of an address each,
// not two, which was measured at more than half of the time of copying them. Slabs are kept for
// good; the memory of blocks that nobody uses goes back to the system beyond kKeptBlockBytes.
class Slabs {
 public:
  static Slabs& Instance() {
    static Slabs* instance = new Slabs;  // outlives whoever returns memory late
    return *instance;
  }

  // A block of a class, its size in front of it. Throws std::bad_alloc.
  uint8_t* Take(size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    uint8_t* memory = TakeWarm(size);
    Class& own = classes_[size];
    if (memory == nullptr && !own.cold.empty()) {
      memory = own.cold.back();
      own.cold.pop_back();
    }
    if (memory == nullptr) memory = Carve(size, &own);
    std::memcpy(memory - kAlignment, &size, sizeof size);
    return memory;
  }

  // The longest unused are given to the system to make room.
  void Return(uint8_t* memory, size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (warm_bytes_ + size > kKeptBlockBytes) {
      const Block oldest = warm_.front();
      warm_.erase(warm_.begin());
      warm_bytes_ -= oldest.size;
      Release(oldest.memory, oldest.memory + oldest.size);
      classes_[oldest.size].cold.push_back(oldest.memory);  // has room since Carve
    }
    warm_.push_back({memory, size});
    warm_bytes_ += size;
  }

 private:
  struct Block {
    uint8_t* memory;
    size_t size;
  };
  struct Class {
    std::vector<uint8_t*> cold;  // free, without memory behind them; with room for all blocks
    uint8_t* next = nullptr;     // of the newest slab
    size_t left = 0;             // blocks of it that were never used
    size_t carved = 0;
  };
  Slabs() { warm_.reserve(kKeptBlockBytes / kSmallest + 1); }  // returning memory must not throw

  uint8_t* TakeWarm(size_t size) {
    for (size_t i = warm_.size(); i-- > 0;) {
      if (warm_[i].size != size) continue;
      uint8_t* const memory = warm_[i].memory;
      warm_.erase(warm_.begin() + static_cast<std::ptrdiff_t>(i));
      warm_bytes_ -= size;
      return memory;
    }
    return nullptr;
  }

  static uint8_t* Carve(size_t size, Class* own) {
    if (own->left == 0) {
      const size_t blocks = kSlabBytes / (size + kAlignment);
      own->cold.reserve(own->carved + blocks);
      own->next = static_cast<uint8_t*>(::operator new (kSlabBytes, std::align_val_t{kHugePage}));
#if defined(__linux__)
      ::madvise(own->next, kSlabBytes, MADV_HUGEPAGE);  // small pages serve as well, slower
#endif
      own->left = blocks;
      own->carved += blocks;
    }
    uint8_t* const memory = own->next + kAlignment;
    own->next += size + kAlignment;
    --own->left;
    return memory;
  }

  std::mutex mutex_;                 // guards what follows
  std::map<size_t, Class> classes_;  // by size
  std::vector<Block> warm_;          // free, the last returned is the last
  size_t warm_bytes_ = 0;
};

}  // namespace

uint8_t* TakeBlock(size_t bytes) {
  if (bytes < kSmallest) return Allocate(bytes);
  const size_t size = ClassOf(bytes);
  return IsKept(size) ? Slabs::Instance().Take(size) : Allocate(size);
}

void ReturnBlock(uint8_t* memory) {
  if (memory == nullptr) return;
  const size_t size = SizeOf(memory);
  if (!IsKept(size)) return Free(memory);
  Slabs::Instance().Return(memory, size);
}

std::shared_ptr<uint8_t[]> SharedBlock(size_t bytes) {
  return {TakeBlock(bytes), [](uint8_t* memory) { ReturnBlock(memory); }};
}

}  // namespace augstore
