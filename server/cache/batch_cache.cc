#include "server/cache/batch_cache.h"

#include <new>

namespace augstore {

std::optional<Result<SharedBytes>> BatchCache::Get(const BatchKey& key, const Build& build,
                                                   const Resume& resume) {
  if (budget_bytes_ == 0) return build();
  {
    const MutexLock lock(mutex_);
    const auto [entry, is_new] = entries_.try_emplace(key);
    if (!is_new && entry->second.body.owner != nullptr) return entry->second.body;
    if (!is_new) {
      entry->second.waiting.push_back(resume);
      return std::nullopt;
    }
  }
  std::optional<Result<SharedBytes>> body;
  try {
    body.emplace(build());
  } catch (...) {
    Finish(key, nullptr);
    throw;
  }
  Finish(key, body->ok() ? &**body : nullptr);
  return body;
}

bool BatchCache::Keep(const BatchKey& key, const SharedBytes& body) {
  const uint64_t size = body.bytes.size();
  if (body.owner == nullptr || size > budget_bytes_) return false;
  try {
    order_.push_back(key);
  } catch (const std::bad_alloc&) {
    return false;
  }
  while (bytes_ + size > budget_bytes_) {
    AUGSTORE_CHECK(!order_.empty() && order_.front() != key);
    const auto oldest = entries_.find(order_.front());
    bytes_ -= oldest->second.body.bytes.size();
    entries_.erase(oldest);
    order_.pop_front();
  }
  entries_.find(key)->second.body = body;
  bytes_ += size;
  return true;
}

void BatchCache::Finish(const BatchKey& key, const SharedBytes* body) noexcept {
  std::vector<Resume> waiting;
  {
    const MutexLock lock(mutex_);
    const auto built = entries_.find(key);
    AUGSTORE_CHECK(built != entries_.end() && built->second.body.owner == nullptr);
    waiting.swap(built->second.waiting);
    if (body == nullptr || !Keep(key, *body)) entries_.erase(built);
  }
  for (const Resume& resume : waiting) resume();
}

bool BatchCache::Clear() {
  std::vector<SharedBytes> bodies;  // freed without the mutex: whoever waits for memory is resumed
  const MutexLock lock(mutex_);
  bodies.reserve(order_.size());  // what fails does so before the first change
  for (const BatchKey& key : order_) {
    const auto entry = entries_.find(key);
    bodies.push_back(std::move(entry->second.body));
    entries_.erase(entry);
  }
  order_.clear();
  bytes_ = 0;
  return !bodies.empty();
}

uint64_t BatchCache::resident_bytes() {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace augstore
