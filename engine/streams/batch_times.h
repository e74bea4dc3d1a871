// Where the time of making rows went, for who wants to know what is slow.
#ifndef AUGSTORE_ENGINE_STREAMS_BATCH_TIMES_H_
#define AUGSTORE_ENGINE_STREAMS_BATCH_TIMES_H_

#include <chrono>
#include <cstdint>

namespace augstore {

// Sums, of one batch or of several. Thread safety: none.
struct BatchTimes {
  using Clock = std::chrono::steady_clock;
  Clock::duration store{};      // reading rows and feature maps
  Clock::duration transform{};  // applying chains
  uint64_t launches = 0;        // times that a chain was applied to a block of rows
  uint64_t launch_rows = 0;     // rows of these blocks

  // Adds how long it lives to one of them; to none, where `times` is null.
  class Lap {
   public:
    Lap(BatchTimes* times, Clock::duration BatchTimes::*part)
        : sum_(times == nullptr ? nullptr : &(times->*part)) {
      if (sum_ != nullptr) began_ = Clock::now();
    }
    ~Lap() {
      if (sum_ != nullptr) *sum_ += Clock::now() - began_;
    }
    Lap(const Lap&) = delete;
    Lap& operator=(const Lap&) = delete;

   private:
    Clock::duration* const sum_;
    Clock::time_point began_;
  };
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_BATCH_TIMES_H_
