#include "server/batch_cache.h"

#include <utility>

namespace augstore {

std::optional<Result<SharedBytes>> BatchCache::Get(const BatchKey& key, const Build& build,
                                                   const Resume& resume) {
  if (budget_bytes_ == 0) return build();
  {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = entries_.try_emplace(key);
    if (!is_new && entry->second.body.owner != nullptr) return entry->second.body;
    if (!is_new) {
      entry->second.waiting.push_back(resume);
      return std::nullopt;
    }
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
  std::vector<Resume> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto built = entries_.find(key);
    waiting.swap(built->second.waiting);
    const uint64_t size = body == nullptr ? 0 : body->bytes.size();
    if (body == nullptr || body->owner == nullptr || size > budget_bytes_) {
      entries_.erase(built);
    } else {
      built->second.body = *body;
      while (bytes_ + size > budget_bytes_) {
        const auto oldest = entries_.find(order_.front());
        bytes_ -= oldest->second.body.bytes.size();
        entries_.erase(oldest);
        order_.pop_front();
      }
      order_.push_back(key);
      bytes_ += size;
    }
  }
  for (const Resume& resume : waiting) resume();
}

uint64_t BatchCache::resident_bytes() {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace augstore
