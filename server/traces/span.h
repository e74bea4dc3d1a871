// One piece of work in a trace, as OpenTelemetry has it.
#ifndef AUGSTORE_SERVER_TRACES_SPAN_H_
#define AUGSTORE_SERVER_TRACES_SPAN_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace augstore {

struct SpanAttribute {
  std::string key;
  std::variant<std::string, int64_t, double> value;
  bool operator==(const SpanAttribute&) const = default;
};

// Of kind SERVER. Ids are hexadecimal, as TraceContext has them.
struct Span {
  std::string trace_id;
  std::string span_id;
  std::string parent_span_id;
  std::string name;
  int64_t start_unix_ns = 0;
  int64_t end_unix_ns = 0;
  std::vector<SpanAttribute> attributes;
  bool failed = false;
  std::string failure;  // the message
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_SPAN_H_
