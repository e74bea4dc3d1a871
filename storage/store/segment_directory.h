// Where each segment of one part of a space is in memory, while it is: found by arithmetic.
#ifndef AUGSTORE_STORAGE_STORE_SEGMENT_DIRECTORY_H_
#define AUGSTORE_STORAGE_STORE_SEGMENT_DIRECTORY_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace augstore {

struct Segment;

// An array of slots that grows without moving them: block k has kFirstSlots << k. May be read from
// any thread while one thread at a time calls Grow.
class SegmentDirectory {
 public:
  struct Slot {
    std::atomic<const Segment*> segment = nullptr;  // of SegmentCache, which writes it
    std::atomic<bool> read = false;                 // since its eviction was last considered
  };

  SegmentDirectory() = default;
  ~SegmentDirectory() {
    for (std::atomic<Slot*>& block : blocks_) delete[] block.load();
  }
  SegmentDirectory(const SegmentDirectory&) = delete;
  SegmentDirectory& operator=(const SegmentDirectory&) = delete;

  // Null: no segment of so high a number was ever held.
  Slot* Find(uint64_t number) const {
    if (number > kMostNumber) return nullptr;
    Slot* const block = blocks_[BlockOf(number)].load(std::memory_order_acquire);
    return block == nullptr ? nullptr : block + PlaceOf(number);
  }
  // The slot of `number`, made when there is none. REQUIRES: number <= kMostNumber.
  Slot* Grow(uint64_t number) {
    std::atomic<Slot*>& block = blocks_[BlockOf(number)];
    if (block.load() == nullptr) {
      block.store(new Slot[kFirstSlots << BlockOf(number)], std::memory_order_release);
    }
    return block.load() + PlaceOf(number);
  }

  static constexpr uint64_t kMostNumber = (uint64_t{1} << 40) - 1;  // 2^48 rows

 private:
  static constexpr uint64_t kFirstSlots = 1024;
  static size_t BlockOf(uint64_t number) {
    return static_cast<size_t>(std::bit_width((number / kFirstSlots + 1) / 2));
  }
  static uint64_t PlaceOf(uint64_t number) {
    return number - ((kFirstSlots << BlockOf(number)) - kFirstSlots);
  }

  std::array<std::atomic<Slot*>, 32> blocks_{};
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_SEGMENT_DIRECTORY_H_
