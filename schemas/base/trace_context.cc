#include "schemas/base/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace augstore {
namespace {

constexpr size_t kVersionDigits = 2;
constexpr size_t kTraceIdDigits = 32;
constexpr size_t kSpanIdDigits = 16;
constexpr size_t kFlagsDigits = 2;

// Of a hexadecimal digit in lower case; -1: it is none.
int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return DigitOf(c) >= 0; });
}

bool IsId(std::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// Takes the next `digits` of `text`, and the '-' after them if there is one. Empty: there are
// fewer, or something else comes after them.
std::string_view TakePart(std::string_view* text, size_t digits) {
  if (text->size() < digits || (text->size() > digits && (*text)[digits] != '-')) return {};
  const std::string_view part = text->substr(0, digits);
  text->remove_prefix(std::min(text->size(), digits + 1));
  return part;
}

}  // namespace

std::string TraceContext::ToTraceparent() const {
  return fmt::format("00-{}-{}-{}", trace_id, span_id, sampled ? "01" : "00");
}

Result<TraceContext> ParseTraceparent(std::string_view text) {
  constexpr size_t kLength = kVersionDigits + kTraceIdDigits + kSpanIdDigits + kFlagsDigits + 3;
  std::string_view rest = text;
  const std::string_view version = TakePart(&rest, kVersionDigits);
  const std::string_view trace_id = TakePart(&rest, kTraceIdDigits);
  const std::string_view span_id = TakePart(&rest, kSpanIdDigits);
  const std::string_view flags = TakePart(&rest, kFlagsDigits);
  const bool is_whole = version == "00" ? text.size() == kLength : version != "ff";
  if (!is_whole || version.empty() || flags.empty() || !IsHex(version) || !IsId(trace_id) ||
      !IsId(span_id) || !IsHex(flags)) {
    return InvalidArgument(
        "traceparent '{}' is none of W3C Trace Context: write 00-, 32, 16 and 2 hexadecimal digits "
        "in lower case with '-' between them; no id is all 0",
        text);
  }
  return TraceContext{std::string(trace_id), std::string(span_id),
                      (static_cast<unsigned>(DigitOf(flags.back())) & 1U) != 0};
}

}  // namespace augstore
