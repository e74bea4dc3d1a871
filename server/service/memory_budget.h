// The memory that requests and replies may take together, whatever clients ask for, hold or do not
// read. What does not fit waits, or is refused.
#ifndef AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_
#define AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/base/thread_annotations.h"
#include "schemas/base/types.h"

namespace augstore {

// Thread-safe.
class MemoryBudget {
 public:
  // Bytes that were taken; returned when it is destroyed. The budget must outlive it.
  class Share {
   public:
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share&&) = delete;
    ~Share() {
      if (budget_ != nullptr) budget_->Return(bytes_);
    }

   private:
    friend class MemoryBudget;
    Share(MemoryBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    MemoryBudget* budget_;
    uint64_t bytes_;
  };
  using Resume = std::function<void()>;  // must not throw

  // 0: no limit.
  explicit MemoryBudget(uint64_t bytes) : total_(bytes) {}

  // Nothing when they are not free now. With `resume` the caller then waits: it is called exactly
  // once, on any thread, when bytes were returned, and Take should be called again.
  std::optional<Share> Take(uint64_t bytes, const Resume& resume = nullptr);
  // Errors: kResourceExhausted, naming `what`: so many bytes can never be taken.
  Status CheckFits(uint64_t bytes, std::string_view what) const;
  // Whether somebody waits: what is held without need should be given up.
  bool is_short();
  uint64_t taken();
  uint64_t total() const { return total_; }

 private:
  void Return(uint64_t bytes);

  const uint64_t total_;
  Mutex mutex_;  // not held in `resume`
  uint64_t taken_ AUGSTORE_GUARDED_BY(mutex_) = 0;
  std::vector<Resume> waiting_ AUGSTORE_GUARDED_BY(mutex_);
};

// `body`, with its bytes counted as long as anybody holds them.
SharedBytes WithShare(SharedBytes body, MemoryBudget::Share share);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_
