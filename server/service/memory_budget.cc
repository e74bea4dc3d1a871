#include "server/service/memory_budget.h"

namespace augstore {

MemoryBudget::Share::~Share() {
  if (state_ == nullptr) return;
  std::vector<Resume> waiting;
  {
    const MutexLock lock(state_->mutex);
    state_->taken -= bytes_;
    waiting.swap(state_->waiting);
  }
  for (const Resume& resume : waiting) resume();
}

std::optional<MemoryBudget::Share> MemoryBudget::Take(uint64_t bytes, const Resume& resume) {
  const MutexLock lock(state_->mutex);
  if (state_->total == 0 || state_->taken + bytes <= state_->total) {
    state_->taken += bytes;
    return Share(state_, bytes);
  }
  if (resume) state_->waiting.push_back(resume);
  return std::nullopt;
}

Status MemoryBudget::CheckFits(uint64_t bytes, std::string_view what) const {
  if (total() == 0 || bytes <= total()) return OkStatus();
  return ResourceExhausted(
      "{} takes {} MiB, and the server has {} for all requests and replies: ask for less at once, "
      "or start the server with a larger --memory",
      what, bytes >> 20, total() >> 20);
}

bool MemoryBudget::is_short() {
  const MutexLock lock(state_->mutex);
  return !state_->waiting.empty();
}

uint64_t MemoryBudget::taken() {
  const MutexLock lock(state_->mutex);
  return state_->taken;
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
