// Which trace a request belongs to, as W3C Trace Context writes it: "traceparent", which programs
// also hand to each other in the environment variable TRACEPARENT.
#ifndef AUGSTORE_SCHEMAS_BASE_TRACE_CONTEXT_H_
#define AUGSTORE_SCHEMAS_BASE_TRACE_CONTEXT_H_

#include <string>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {

struct TraceContext {
  std::string trace_id;  // 32 hexadecimal digits in lower case, not all 0
  std::string span_id;   // 16 of them: the span that the request is made in
  bool sampled = false;  // whoever began the trace wants its spans
  bool operator==(const TraceContext&) const = default;
  // "00-<trace id>-<span id>-01".
  std::string ToTraceparent() const;
};

// Reads version 00, and of later versions the part that they must share with it. Errors:
// kInvalidArgument, naming the value.
Result<TraceContext> ParseTraceparent(std::string_view text);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_TRACE_CONTEXT_H_
