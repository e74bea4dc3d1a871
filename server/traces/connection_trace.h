// The trace that the client of a connection named last.
#ifndef AUGSTORE_SERVER_TRACES_CONNECTION_TRACE_H_
#define AUGSTORE_SERVER_TRACES_CONNECTION_TRACE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/traces/request_trace.h"

namespace augstore {

// Thread safety: none.
class ConnectionTrace {
 public:
  // `address` and `port`: where the client reached the server, as of RequestTrace. An empty
  // `traceparent` ends the trace. Errors: kInvalidArgument (the trace before goes on).
  Status Set(const std::string& traceparent, std::string address, uint16_t port);
  // Of a request that comes now; null: it is in no trace. `spans` may be null.
  RequestTracePointer Begin(std::string operation, SpanQueue* spans) const;
  // Whether requests are in a trace.
  bool is_set() const { return context_.has_value(); }

 private:
  std::optional<TraceContext> context_;
  std::string address_;
  uint16_t port_ = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_CONNECTION_TRACE_H_
