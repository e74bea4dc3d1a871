// Memory that many take from together, whatever is asked of them. What does not fit waits, or is
// refused.
#ifndef AUGSTORE_SCHEMAS_BASE_MEMORY_BUDGET_H_
#define AUGSTORE_SCHEMAS_BASE_MEMORY_BUDGET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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
  // Gives up something that is kept without need. False: there is nothing more.
  using Drop = std::function<bool()>;

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
    Share& operator=(Share&& other) noexcept {
      std::swap(state_, other.state_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share();
    // Returns all but `bytes`. REQUIRES: no more than were taken.
    void ShrinkTo(uint64_t bytes);

   private:
    friend class MemoryBudget;
    Share(std::shared_ptr<State> state, uint64_t bytes) : state_(std::move(state)), bytes_(bytes) {}
    std::shared_ptr<State> state_;  // null: moved from
    uint64_t bytes_;
  };

  // 0: no limit. `purpose` is for messages: "requests and replies". `drop` is called by TakeNow
  // alone, on its thread.
  MemoryBudget(uint64_t bytes, std::string purpose, Drop drop = nullptr)
      : state_(std::make_shared<State>()), purpose_(std::move(purpose)), drop_(std::move(drop)) {
    state_->total = bytes;
  }

  // Nothing when they are not free now. With `resume` the caller then waits: it is called exactly
  // once, on any thread, when bytes were returned, and Take should be called again.
  std::optional<Share> Take(uint64_t bytes, const Resume& resume = nullptr);
  // Does not wait, but drops what is kept without need until the bytes are free. Errors:
  // kResourceExhausted, naming `what`.
  Result<Share> TakeNow(uint64_t bytes, std::string_view what);
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
  const std::string purpose_;
  const Drop drop_;
};

// `body`, with its bytes counted as long as anybody holds them.
SharedBytes WithShare(SharedBytes body, MemoryBudget::Share share);
// The same of any object.
template <typename T>
std::shared_ptr<T> WithShare(std::shared_ptr<T> object, MemoryBudget::Share share) {
  struct Held {
    MemoryBudget::Share share;  // the last to go: after the object
    std::shared_ptr<T> object;
  };
  T* const plain = object.get();
  return {std::make_shared<Held>(Held{std::move(share), std::move(object)}), plain};
}

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_MEMORY_BUDGET_H_
