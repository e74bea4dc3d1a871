// Segments kept in memory for reading. Thread-safe; readers take no locks.
//
// The oldest goes first, unless it was read or came since it was last considered (the "clock"
// approximation of LRU): a hit then only sets a flag, where a list in order of use would be
// rewritten. A new segment counts as read, or one read ahead would go before its first reader.
//
// A segment that a reader has stays until the reader is gone, without counting references (Fraser,
// "Practical lock-freedom", 2004, section 5.2.3: epoch-based reclamation). Each reader notes the
// epoch in which it began; what is evicted in an epoch is freed once every reader began later.
#ifndef AUGSTORE_STORAGE_STORE_SEGMENT_CACHE_H_
#define AUGSTORE_STORAGE_STORE_SEGMENT_CACHE_H_

#include <array>
#include <atomic>
#include <list>
#include <memory>

#include "schemas/base/thread_annotations.h"
#include "storage/store/segment.h"
#include "storage/store/segment_directory.h"

namespace augstore {

// The order of its fields keeps what readers read off the cache line of the mutex, at the cost of
// padding.
class SegmentCache {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  // Holds at most `budget_bytes`. Segments that are evicted while a reader has them are no longer
  // counted.
  explicit SegmentCache(uint64_t budget_bytes) : budget_bytes_(budget_bytes) {}

  // While it lives, the segments that it found stay where they are. To be short-lived: it keeps
  // evicted segments in memory, and a thread must not insert or wait meanwhile.
  class Reader {
   public:
    explicit Reader(SegmentCache* cache);
    ~Reader() { mark_->store(0, std::memory_order_release); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    // Null when it is not held.
    const Segment* Find(const SegmentDirectory& directory, uint64_t number) const {
      SegmentDirectory::Slot* const slot = directory.Find(number);
      if (slot == nullptr) return nullptr;
      const Segment* const segment = slot->segment.load();  // ordered after the reader's mark
      if (segment != nullptr && !slot->read.load(std::memory_order_relaxed)) {
        slot->read.store(true, std::memory_order_relaxed);
      }
      return segment;
    }

   private:
    std::atomic<uint64_t>* mark_;
  };

  // The segment, for as long as the caller wants it; null when it is not held.
  std::shared_ptr<const Segment> Share(const SegmentDirectory& directory, uint64_t number);
  // Keeps `segment` unless it alone is more than the budget, or that number is held already.
  // `directory` must outlive its segments here.
  void Insert(SegmentDirectory* directory, uint64_t number, std::shared_ptr<const Segment> segment);

  // Lets go of a segment that does not exist any more. Takes time linear in what is held.
  void Drop(const SegmentDirectory& directory, uint64_t number);

  uint64_t budget_bytes() const { return budget_bytes_; }
  uint64_t resident_bytes();

 private:
  // More readers at once than marks wait for each other.
  static constexpr size_t kMarks = 64;
  struct alignas(64) Mark {
    std::atomic<uint64_t> epoch = 0;  // in which its reader began; 0: no reader
  };
  struct Entry {
    SegmentDirectory::Slot* slot;
    std::shared_ptr<const Segment> segment;
    uint64_t epoch = 0;  // of a retired one: the last in which a reader may have found it
  };

  void EvictOne() AUGSTORE_REQUIRES(mutex_);
  void Retire(std::list<Entry>::iterator entry) AUGSTORE_REQUIRES(mutex_);
  void FreeRetired() AUGSTORE_REQUIRES(mutex_);
  void CheckInvariants() AUGSTORE_REQUIRES(mutex_);

  const uint64_t budget_bytes_;
  std::atomic<uint64_t> epoch_ = 1;
  std::array<Mark, kMarks> marks_;

  Mutex mutex_;  // guards writing to directories, too
  // Lists, so that nothing has to be allocated, and can fail, while an entry moves.
  std::list<Entry> order_ AUGSTORE_GUARDED_BY(mutex_);  // of consideration
  std::list<Entry> retired_ AUGSTORE_GUARDED_BY(mutex_);
  uint64_t bytes_ AUGSTORE_GUARDED_BY(mutex_) = 0;  // of order_
};

}  // namespace augstore

#endif  // AUGSTORE_STORAGE_STORE_SEGMENT_CACHE_H_
