#include "tools/cli/progress.h"

#include <fmt/core.h>
#include <unistd.h>
#include <cmath>

#include <algorithm>
#include <array>
#include <cstdio>

#include "tools/cli/table.h"

namespace augstore {
namespace {

std::string HumanSeconds(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace

Progress::Progress(std::string label, std::string unit, uint64_t total, bool enabled)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      enabled_(enabled),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  // What took under two seconds needs no line, unless one is on the screen already.
  if (enabled_ && done_ > 0 && (drawn_ || seconds() > 2)) Draw(true);
}

void Progress::Update(uint64_t done, const std::string& note) {
  done_ = done;
  note_ = note;
  if (!enabled_ || since_drawn_.seconds() < (terminal_ ? 0.1 : 10.0)) return;
  Draw(false);
}

void Progress::Draw(bool last) {
  const double elapsed = std::max(seconds(), 1e-9);
  const double rate = static_cast<double>(done_) / elapsed;
  std::string line = fmt::format("{}: {}", label_, done_);
  if (total_ > 0)
    line += fmt::format("/{} {}", total_, unit_);
  else
    line += " " + unit_;
  line += fmt::format(", {} {}/s", HumanCount(rate), unit_);
  if (last) {
    line += fmt::format(", {}", HumanSeconds(elapsed));
  } else if (total_ > done_ && rate > 0) {
    line += fmt::format(", ETA {}", HumanSeconds(static_cast<double>(total_ - done_) / rate));
  }
  if (!note_.empty()) line += ", " + note_;
  if (terminal_) {
    // A line that wraps could not be drawn over. The last column stays free: some terminals wrap
    // as soon as it is filled.
    const size_t width = TerminalWidth(STDERR_FILENO);
    if (width > 1) line = ClipText(line, width - 1);
    std::fprintf(stderr, "\r\x1b[K%s%s", line.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
  drawn_ = true;
  since_drawn_.Restart();
}

std::string HumanCount(double value) {
  constexpr std::array<const char*, 5> kSuffixes = {"", "k", "M", "G", "T"};
  size_t i = 0;
  while (value >= 1000 && i + 1 < kSuffixes.size()) {
    value /= 1000;
    ++i;
  }
  return fmt::format("{:.{}f}{}", value, value >= 100 ? 0 : value >= 10 ? 1 : 2, kSuffixes[i]);
}

std::string HumanBytes(double value) {
  constexpr std::array<const char*, 5> kSuffixes = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t i = 0;
  while (value >= 1024 && i + 1 < kSuffixes.size()) {
    value /= 1024;
    ++i;
  }
  return fmt::format("{:.{}f} {}", value, i == 0 ? 0 : 1, kSuffixes[i]);
}

}  // namespace augstore
