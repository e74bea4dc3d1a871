// Sums that any thread adds to, and how durations are spread.
#ifndef AUGSTORE_SERVER_METRICS_HISTOGRAM_H_
#define AUGSTORE_SERVER_METRICS_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace augstore {

// Of durations. Thread-safe; readers may see an addition late.
class TimeSum {
 public:
  void Add(std::chrono::nanoseconds time) {
    sum_.fetch_add(static_cast<uint64_t>(time.count()), std::memory_order_relaxed);
  }
  double seconds() const {
    return static_cast<double>(sum_.load(std::memory_order_relaxed)) * 1e-9;
  }

 private:
  std::atomic<uint64_t> sum_{0};  // nanoseconds: 580 years
};

// How many durations were at most each bound. Thread-safe; a reader may see some of an
// observation that is just being made.
class Histogram {
 public:
  // Seconds. Fixed, so that series of different servers can be added up.
  static constexpr std::array kBounds{0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                      0.1,    0.25,   0.5,   1.0,    2.5,   10.0, 60.0};

  void Observe(std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    const auto bound = std::ranges::lower_bound(kBounds, seconds);
    counts_[static_cast<size_t>(bound - kBounds.begin())].fetch_add(1, std::memory_order_relaxed);
    sum_.Add(time);
  }
  // How many were in each bucket alone; the last has those beyond all bounds.
  std::array<uint64_t, kBounds.size() + 1> counts() const {
    std::array<uint64_t, kBounds.size() + 1> counts{};
    for (size_t i = 0; i < counts.size(); ++i) {
      counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    return counts;
  }
  double seconds() const { return sum_.seconds(); }

 private:
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts_{};
  TimeSum sum_;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_METRICS_HISTOGRAM_H_
