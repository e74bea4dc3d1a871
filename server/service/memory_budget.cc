#include "server/service/memory_budget.h"

#include <memory>

namespace augstore {

std::optional<MemoryBudget::Share> MemoryBudget::Take(uint64_t bytes, const Resume& resume) {
  const MutexLock lock(mutex_);
  if (total_ == 0 || taken_ + bytes <= total_) {
    taken_ += bytes;
    return Share(this, bytes);
  }
  if (resume) waiting_.push_back(resume);
  return std::nullopt;
}

Status MemoryBudget::CheckFits(uint64_t bytes, std::string_view what) const {
  if (total_ == 0 || bytes <= total_) return OkStatus();
  return ResourceExhausted(
      "{} takes {} MiB, and the server has {} for all requests and replies: ask for less at once, "
      "or start the server with a larger --memory",
      what, bytes >> 20, total_ >> 20);
}

bool MemoryBudget::is_short() {
  const MutexLock lock(mutex_);
  return !waiting_.empty();
}

uint64_t MemoryBudget::taken() {
  const MutexLock lock(mutex_);
  return taken_;
}

void MemoryBudget::Return(uint64_t bytes) {
  std::vector<Resume> waiting;
  {
    const MutexLock lock(mutex_);
    taken_ -= bytes;
    waiting.swap(waiting_);
  }
  for (const Resume& resume : waiting) resume();
}

SharedBytes WithShare(SharedBytes body, MemoryBudget::Share share) {
  struct Held {
    MemoryBudget::Share share;  // the last to go: after the bytes
    std::shared_ptr<const void> owner;
  };
  body.owner = std::make_shared<Held>(Held{std::move(share), std::move(body.owner)});
  return body;
}

}  // namespace augstore
