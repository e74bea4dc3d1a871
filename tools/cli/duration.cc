#include "tools/cli/duration.h"

#include <charconv>

namespace augstore {

Result<uint64_t> ParseDuration(const std::string& text) {
  constexpr uint64_t kMost = uint64_t{100} * 365 * 24 * 3600;
  uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, count);
  uint64_t scale = 0;
  if (error == std::errc() && unit + 1 == end) {
    scale = *unit == 'd' ? 86400 : *unit == 'h' ? 3600 : *unit == 'm' ? 60 : *unit == 's' ? 1 : 0;
  }
  if (scale == 0 || count == 0 || count > kMost / scale) {
    return InvalidArgument("'{}' is no length of time: give 90d, 12h, 30m or 45s", text);
  }
  return count * scale;
}

Flag::Parser DurationInto(uint64_t* seconds) {
  return [seconds](const std::string& text) -> Status {
    AUGSTORE_ASSIGN(*seconds, ParseDuration(text));
    return OkStatus();
  };
}

std::string DurationText(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace augstore
