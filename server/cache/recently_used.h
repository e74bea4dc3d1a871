// Internal to the server folder: a small cache of values that are expensive to make.
#ifndef AUGSTORE_SERVER_CACHE_RECENTLY_USED_H_
#define AUGSTORE_SERVER_CACHE_RECENTLY_USED_H_

#include <list>
#include <memory>
#include <utility>

#include "schemas/base/thread_annotations.h"

namespace augstore {

// The `capacity` values that were used last, in a list that is searched from the most recent one:
// capacities are a few dozen. Thread-safe.
template <typename Key, typename Value>
class RecentlyUsed {
 public:
  using Pointer = std::shared_ptr<const Value>;
  explicit RecentlyUsed(size_t capacity) : capacity_(capacity) {}

  // Null when there is none.
  Pointer Find(const Key& key) {
    const MutexLock lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (!(entry->first == key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->second;
    }
    return nullptr;
  }
  // The first value that `matches`, or null. Does not count as a use.
  template <typename Predicate>
  Pointer FindIf(const Predicate& matches) {
    const MutexLock lock(mutex_);
    for (const auto& [key, value] : entries_) {
      if (matches(*value)) return value;
    }
    return nullptr;
  }
  // Forgets the value that was used longest ago. False: there is none.
  bool DropOldest() {
    Pointer dropped;  // goes without the lock, as it may return memory that others wait for
    const MutexLock lock(mutex_);
    if (entries_.empty()) return false;
    dropped = std::move(entries_.back().second);
    entries_.pop_back();
    return true;
  }
  void Insert(const Key& key, Pointer value) {
    const MutexLock lock(mutex_);
    std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
    entries_.emplace_front(key, std::move(value));
    if (entries_.size() > capacity_) entries_.pop_back();
  }

 private:
  const size_t capacity_;
  Mutex mutex_;
  std::list<std::pair<Key, Pointer>> entries_ AUGSTORE_GUARDED_BY(mutex_);
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_CACHE_RECENTLY_USED_H_
