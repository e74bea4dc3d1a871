#include "server/batch_cache.h"

#include <utility>

namespace augstore {

Result<SharedBytes> BatchCache::Get(const BatchKey& key, const Build& build) {
  if (budget_bytes_ == 0) return build();
  {
    std::unique_lock lock(mutex_);
    for (auto entry = entries_.find(key); entry != entries_.end(); entry = entries_.find(key)) {
      if (entry->second.owner != nullptr) return entry->second;
      finished_.wait(lock);
    }
    entries_.emplace(key, SharedBytes{});
  }
  try {
    Result<SharedBytes> body = build();
    Finish(key, body.ok() ? &*body : nullptr);
    return body;
  } catch (...) {
    Finish(key, nullptr);
    throw;
  }
}

void BatchCache::Finish(const BatchKey& key, const SharedBytes* body) {
  {
    const std::lock_guard lock(mutex_);
    const uint64_t size = body == nullptr ? 0 : body->bytes.size();
    if (body == nullptr || body->owner == nullptr || size > budget_bytes_) {
      entries_.erase(key);
    } else {
      while (bytes_ + size > budget_bytes_) {
        const auto oldest = entries_.find(order_.front());
        bytes_ -= oldest->second.bytes.size();
        entries_.erase(oldest);
        order_.pop_front();
      }
      order_.push_back(key);
      entries_[key] = *body;
      bytes_ += size;
    }
  }
  finished_.notify_all();
}

uint64_t BatchCache::resident_bytes() {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace augstore
