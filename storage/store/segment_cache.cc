#include "storage/store/segment_cache.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace augstore {

// A mark is written before any slot is read, and Retire empties a slot before FreeRetired reads
// the marks, all in one order (sequentially consistent): so either the reader's mark is seen there,
// or the reader sees the empty slot.
SegmentCache::Reader::Reader(SegmentCache* cache) {
  thread_local size_t last = 0;  // this thread's mark is likely to be free still
  for (size_t tries = 1;; ++tries) {
    mark_ = &cache->marks_[last].epoch;
    uint64_t none = 0;
    if (mark_->compare_exchange_strong(none, cache->epoch_.load())) return;
    last = (last + 1) % kMarks;
    if (tries % kMarks == 0) std::this_thread::yield();
  }
}

std::shared_ptr<const Segment> SegmentCache::Share(const SegmentDirectory& directory,
                                                   uint64_t number) {
  const MutexLock lock(mutex_);
  SegmentDirectory::Slot* const slot = directory.Find(number);
  const Segment* const segment = slot == nullptr ? nullptr : slot->segment.load();
  if (segment == nullptr) return nullptr;
  slot->read.store(true, std::memory_order_relaxed);
  return segment->shared_from_this();
}

void SegmentCache::EvictOne() {
  while (order_.front().slot->read.exchange(false, std::memory_order_relaxed)) {
    order_.splice(order_.end(), order_, order_.begin());
  }
  Retire(order_.begin());
}

void SegmentCache::Retire(std::list<Entry>::iterator entry) {
  entry->slot->segment.store(nullptr);
  bytes_ -= entry->segment->bytes();
  entry->epoch = epoch_.fetch_add(1);
  retired_.splice(retired_.end(), order_, entry);
}

void SegmentCache::Drop(const SegmentDirectory& directory, uint64_t number) {
  const MutexLock lock(mutex_);
  const SegmentDirectory::Slot* const slot = directory.Find(number);
  if (slot == nullptr || slot->segment.load() == nullptr) return;
  const auto held = std::ranges::find(order_, slot, &Entry::slot);
  if (held == order_.end()) return;
  Retire(held);
  FreeRetired();
  CheckInvariants();
}

void SegmentCache::FreeRetired() {
  uint64_t oldest_reader = ~uint64_t{0};
  for (const Mark& mark : marks_) {
    const uint64_t epoch = mark.epoch.load();
    if (epoch != 0) oldest_reader = std::min(oldest_reader, epoch);
  }
  while (!retired_.empty() && retired_.front().epoch < oldest_reader) retired_.pop_front();
}

void SegmentCache::Insert(SegmentDirectory* directory, uint64_t number,
                          std::shared_ptr<const Segment> segment) {
  const uint64_t bytes = segment->bytes();
  if (bytes > budget_bytes_) return;
  const MutexLock lock(mutex_);
  SegmentDirectory::Slot* const slot = directory->Grow(number);
  if (slot->segment.load() != nullptr) return;
  while (bytes_ + bytes > budget_bytes_) EvictOne();
  FreeRetired();
  const Segment* const held = segment.get();
  order_.push_back({slot, std::move(segment)});
  slot->read.store(true, std::memory_order_relaxed);
  slot->segment.store(held);
  bytes_ += bytes;
  CheckInvariants();
}

void SegmentCache::CheckInvariants() {
  AUGSTORE_CHECK(bytes_ <= budget_bytes_);
  AUGSTORE_CHECK(order_.empty() ||
                 order_.back().slot->segment.load() == order_.back().segment.get());
  // Retired in the order of their epochs, all of the past: FreeRetired stops at the first that a
  // reader may have.
  AUGSTORE_CHECK(retired_.empty() || (retired_.front().epoch <= retired_.back().epoch &&
                                      retired_.back().epoch < epoch_.load()));
}

uint64_t SegmentCache::resident_bytes() {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace augstore
