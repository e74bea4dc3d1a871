#include "schemas/base/block_memory.h"

#include <algorithm>
#include <bit>
#include <map>
#include <new>
#include <unordered_map>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "schemas/base/thread_annotations.h"
#include "schemas/base/types.h"

namespace augstore {
namespace {

// Sizes from here on are carved from slabs; smaller ones the allocator serves well by itself.
constexpr size_t kSmallest = size_t{64} << 10;
constexpr size_t kLargest = kKeptBlockBytes / 4;
// A slab's memory comes from the system when it is touched, one huge page after the other.
constexpr size_t kSlabBytes = size_t{32} << 20;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
// A slab whose blocks take less has small pages: of replies, which grow with a store, there
// come to be a block or two in each of a hundred sizes, and each would hold a huge page.
constexpr size_t kHugeFrom = size_t{1} << 20;

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

// What the system is told of memory; where it does not listen, nothing else follows.
enum class Advice { kHugePages, kSmallPages, kCollapse, kRelease };
void Advise(uint8_t* memory, size_t size, Advice advice) {
#if defined(__linux__)
  // Since Linux 6.1, and younger than the C library. It is done also where the system's setting for
  // huge pages is `never`.
  constexpr int kMadvCollapse = 25;
  const int number = advice == Advice::kHugePages    ? MADV_HUGEPAGE
                     : advice == Advice::kSmallPages ? MADV_NOHUGEPAGE
                     : advice == Advice::kCollapse   ? kMadvCollapse
                                                     : MADV_DONTNEED;
  ::madvise(memory, size, number);
#endif
}

// Blocks in slabs of huge pages, where there are many of a size: an address of a row in random
// order is then found in fewer steps, which is a good part of what copying the row takes. A slab
// has blocks of one size, each of whole pages and without a header, so that the memory of a free
// one can go back to the system: beyond kKeptBlockBytes it does. Slabs themselves, addresses, are
// kept for good.
class Slabs {
 public:
  static Slabs& Instance() {
    static Slabs* instance = new Slabs;  // outlives whoever returns memory late
    return *instance;
  }

  // A block of a class. Throws std::bad_alloc.
  uint8_t* Take(size_t size) {
    const MutexLock lock(mutex_);
    if (uint8_t* const memory = TakeWarm(size)) return memory;
    Class& own = classes_[size];
    if (own.cold.empty()) return Carve(size, &own);
    uint8_t* const memory = own.cold.back();
    own.cold.pop_back();
    Back(SlabOf(memory));
    return memory;
  }

  // False when it is not of a slab.
  bool Return(uint8_t* memory) {
    if (reinterpret_cast<uintptr_t>(memory) % kPage != 0) return false;
    const MutexLock lock(mutex_);
    const auto slab = slabs_.find(SlabOf(memory));
    if (slab == slabs_.end()) return false;
    const size_t size = slab->second.size;
    // The longest unused make room.
    while (warm_bytes_ + size > kKeptBlockBytes) Cool();
    warm_.push_back({memory, size});
    warm_bytes_ += size;
    return true;
  }

 private:
  struct Block {
    uint8_t* memory;
    size_t size;
  };
  struct Slab {
    size_t size = 0;     // of its blocks
    size_t backed = 0;   // blocks that are used or warm
    bool holes = false;  // some lost their memory since none was backed
    bool prefix = true;  // its backed blocks are its first ones: none ever lost its memory
    bool huge = false;
  };
  struct Class {
    std::vector<uint8_t*>
        cold;  // free, and their memory returned to the system; with room for all blocks
    uint8_t* next = nullptr;  // of the newest slab
    size_t left = 0;          // blocks of it that were never used
    size_t carved = 0;
  };
  Slabs() { warm_.reserve(kKeptBlockBytes / kSmallest + 1); }  // returning memory must not throw

  static uint8_t* SlabOf(uint8_t* memory) {
    return memory - reinterpret_cast<uintptr_t>(memory) % kSlabBytes;
  }

  static void SetHuge(uint8_t* begin, Slab* slab, bool huge) {
    if (slab->huge == huge) return;
    slab->huge = huge;
    Advise(begin, kSlabBytes, huge ? Advice::kHugePages : Advice::kSmallPages);
  }

  // Counts a block more that has memory.
  void Back(uint8_t* begin) AUGSTORE_REQUIRES(mutex_) {
    Slab& slab = slabs_.at(begin);
    if (slab.backed == 0) slab.holes = false;
    ++slab.backed;
    if (slab.huge || slab.holes || slab.backed * slab.size < kHugeFrom) return;
    SetHuge(begin, &slab, true);
    // The blocks before this one were touched, and would keep their small pages. Once for a slab:
    // everybody waits meanwhile.
    const size_t touched = (slab.backed - 1) * slab.size;
    if (!slab.prefix || touched == 0) return;
    Advise(begin, (touched + kHugePage - 1) / kHugePage * kHugePage, Advice::kCollapse);
  }

  uint8_t* TakeWarm(size_t size) AUGSTORE_REQUIRES(mutex_) {
    for (size_t i = warm_.size(); i-- > 0;) {
      if (warm_[i].size != size) continue;
      uint8_t* const memory = warm_[i].memory;
      warm_.erase(warm_.begin() + static_cast<std::ptrdiff_t>(i));
      warm_bytes_ -= size;
      return memory;
    }
    return nullptr;
  }

  // Gives the memory of the block that is unused for longest to the system. Beside blocks that
  // keep theirs, the system would fill the hole with a huge page again, so their slab has small
  // pages from then on; the huge ones that exist stay.
  void Cool() AUGSTORE_REQUIRES(mutex_) {
    const Block oldest = warm_.front();
    warm_.erase(warm_.begin());
    warm_bytes_ -= oldest.size;
    uint8_t* const begin = SlabOf(oldest.memory);
    Slab& slab = slabs_.at(begin);
    --slab.backed;
    slab.holes = true;
    slab.prefix = false;
    SetHuge(begin, &slab, false);
    Advise(oldest.memory, oldest.size, Advice::kRelease);
    classes_.at(oldest.size).cold.push_back(oldest.memory);  // has room since Carve
  }

  uint8_t* Carve(size_t size, Class* own) AUGSTORE_REQUIRES(mutex_) {
    if (own->left == 0) {
      const size_t blocks = kSlabBytes / size;
      own->cold.reserve(own->carved + blocks);
      auto* const begin =
          static_cast<uint8_t*>(::operator new (kSlabBytes, std::align_val_t{kSlabBytes}));
      slabs_[begin].size = size;
      Advise(begin, kSlabBytes, Advice::kSmallPages);
      own->next = begin;
      own->left = blocks;
      own->carved += blocks;
    }
    uint8_t* const memory = own->next;
    own->next += size;
    --own->left;
    Back(SlabOf(memory));
    return memory;
  }

  Mutex mutex_;
  std::unordered_map<uint8_t*, Slab> slabs_ AUGSTORE_GUARDED_BY(mutex_);  // by their beginning
  std::map<size_t, Class> classes_ AUGSTORE_GUARDED_BY(mutex_);           // by size
  // Free, the last returned is the last.
  std::vector<Block> warm_ AUGSTORE_GUARDED_BY(mutex_);
  size_t warm_bytes_ AUGSTORE_GUARDED_BY(mutex_) = 0;
};

}  // namespace

uint8_t* TakeBlock(size_t bytes) {
  const size_t size = ClassOf(bytes);
  return bytes >= kSmallest && IsKept(size) ? Slabs::Instance().Take(size)
                                            : AlignedAlloc<uint8_t>(bytes).release();
}

void ReturnBlock(uint8_t* memory) {
  if (memory == nullptr || Slabs::Instance().Return(memory)) return;
  AlignedFree()(memory);
}

std::shared_ptr<uint8_t[]> SharedBlock(size_t bytes) {
  return {TakeBlock(bytes), [](uint8_t* memory) { ReturnBlock(memory); }};
}

}  // namespace augstore
