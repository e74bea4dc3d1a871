// How long something takes, and a progress line that says so.
#ifndef AUGSTORE_TOOLS_CLI_PROGRESS_H_
#define AUGSTORE_TOOLS_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace augstore {

// The time since it was made, or restarted.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void Restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// A progress line on standard error: done / total, rate, ETA. On a terminal it is redrawn in place
// ten times a second, clipped to the width; else a line appears every ten seconds, so that logs
// stay readable. Thread safety: none.
class Progress {
 public:
  // `total` 0: unknown. `enabled` false: prints nothing.
  Progress(std::string label, std::string unit, uint64_t total, bool enabled);
  ~Progress();  // ends the line
  // `note` is the end of the line: "loss 0.31".
  void Update(uint64_t done, const std::string& note = {});
  double seconds() const { return since_start_.seconds(); }

 private:
  void Draw(bool last);
  std::string label_;
  std::string unit_;
  std::string note_;
  uint64_t total_;
  uint64_t done_ = 0;
  bool enabled_;
  bool terminal_;
  bool drawn_ = false;
  Stopwatch since_start_;
  Stopwatch since_drawn_;
};

// "1.2k", "3.4M": three significant digits.
std::string HumanCount(double value);
// "512 B", "1.5 GiB".
std::string HumanBytes(double value);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_PROGRESS_H_
