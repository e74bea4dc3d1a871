// The memory that requests and replies may take together, whatever clients ask for, hold or do not
// read. What does not fit waits, or is refused.
#ifndef AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_
#define AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_

#include <cstdint>
#include <functional>
#include <memory>
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
  using Resume = std::function<void()>;  // must not throw

 private:
  struct State {
    uint64_t total = 0;
    Mutex mutex;  // not held in a Resume
    uint64_t taken AUGSTORE_GUARDED_BY(mutex) = 0;
    std::vector<Resume> waiting AUGSTORE_GUARDED_BY(mutex);
    void ResumeWaiting(uint64_t returned);
  };

 public:
  // Bytes that were taken; returned when it is destroyed. May outlive the budget: in a process
  // without sockets, a reply may outlive the service.
  class Share {
   public:
    Share(Share&&) noexcept = default;
    Share& operator=(Share&&) = delete;
    ~Share();

   private:
    friend class MemoryBudget;
    Share(std::shared_ptr<State> state, uint64_t bytes) : state_(std::move(state)), bytes_(bytes) {}
    std::shared_ptr<State> state_;  // null: moved from
    uint64_t bytes_;
  };

  // 0: no limit.
  explicit MemoryBudget(uint64_t bytes) : state_(std::make_shared<State>()) {
    state_->total = bytes;
  }

  // Nothing when they are not free now. With `resume` the caller then waits: it is called exactly
  // once, on any thread, when bytes were returned, and Take should be called again.
  std::optional<Share> Take(uint64_t bytes, const Resume& resume = nullptr);
  // Errors: kResourceExhausted, naming `what`: so many bytes can never be taken.
  Status CheckFits(uint64_t bytes, std::string_view what) const;
  // Resumes all who wait, though nothing was returned: before what they would run on goes.
  void ResumeWaiting();
  // Whether somebody waits: what is held without need should be given up.
  bool is_short();
  uint64_t taken();
  uint64_t total() const { return state_->total; }

 private:
  const std::shared_ptr<State> state_;
};

// `body`, with its bytes counted as long as anybody holds them.
SharedBytes WithShare(SharedBytes body, MemoryBudget::Share share);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_MEMORY_BUDGET_H_
