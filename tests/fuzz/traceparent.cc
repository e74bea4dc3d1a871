#include "schemas/base/trace_context.h"

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {

// The input is a traceparent as a client or the environment has it.
void Fuzz_traceparent(Bytes input) {
  const std::string text(Text(input));  // its end is where the sanitizer sees it
  const Result<TraceContext> context = ParseTraceparent(text);
  if (!context.ok()) return;
  AUGSTORE_CHECK(context->trace_id.size() == 32 && context->span_id.size() == 16);
  AUGSTORE_CHECK(context->trace_id.find_first_not_of("0123456789abcdef") == std::string::npos);
  AUGSTORE_CHECK(context->span_id.find_first_not_of("0123456789abcdef") == std::string::npos);
  const Result<TraceContext> again = ParseTraceparent(context->ToTraceparent());
  AUGSTORE_CHECK(again.ok() && *again == *context);
}

}  // namespace augstore::fuzz
