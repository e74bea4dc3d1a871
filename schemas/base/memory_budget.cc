#include "schemas/base/memory_budget.h"

namespace augstore {

void MemoryBudget::State::ResumeWaiting(uint64_t returned) {
  std::vector<Resume> resumed;
  {
    const MutexLock lock(mutex);
    taken -= returned;
    resumed.swap(waiting);
  }
  for (const Resume& resume : resumed) resume();
}

MemoryBudget::Share::~Share() {
  if (state_ != nullptr) state_->ResumeWaiting(bytes_);
}

void MemoryBudget::Share::ShrinkTo(uint64_t bytes) {
  AUGSTORE_CHECK(bytes <= bytes_);
  state_->ResumeWaiting(bytes_ - bytes);
  bytes_ = bytes;
}

void MemoryBudget::ResumeWaiting() { state_->ResumeWaiting(0); }

std::optional<MemoryBudget::Share> MemoryBudget::Take(uint64_t bytes, const Resume& resume) {
  const MutexLock lock(state_->mutex);
  if (state_->total == 0 || state_->taken + bytes <= state_->total) {
    state_->taken += bytes;
    return Share(state_, bytes);
  }
  if (resume) state_->waiting.push_back(resume);
  return std::nullopt;
}

Result<MemoryBudget::Share> MemoryBudget::TakeNow(uint64_t bytes, std::string_view what) {
  std::optional<Share> share = Take(bytes);
  while (!share.has_value() && drop_ && drop_()) share = Take(bytes);
  if (share.has_value()) return *std::move(share);
  constexpr double kMib = 1 << 20;
  return ResourceExhausted(
      "{} takes {:.1f} MiB, and {:.1f} of the {:.1f} MiB for all {} are taken: try again "
      "later, ask for less, or start the server with a larger --memory",
      what, static_cast<double>(bytes) / kMib, static_cast<double>(taken()) / kMib,
      static_cast<double>(total()) / kMib, purpose_);
}

Status MemoryBudget::CheckFits(uint64_t bytes, std::string_view what) const {
  if (total() == 0 || bytes <= total()) return OkStatus();
  return ResourceExhausted(
      "{} takes {} MiB, and the server has {} for all {}: ask for less at once, or start the "
      "server "
      "with a larger --memory",
      what, bytes >> 20, total() >> 20, purpose_);
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
