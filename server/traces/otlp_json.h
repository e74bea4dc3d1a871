// Spans as OTLP/JSON: the body of an ExportTraceServiceRequest.
#ifndef AUGSTORE_SERVER_TRACES_OTLP_JSON_H_
#define AUGSTORE_SERVER_TRACES_OTLP_JSON_H_

#include <string>
#include <vector>

#include "server/traces/span.h"

namespace augstore {

// Bytes of a text that are no UTF-8 are replaced.
std::string OtlpJson(const std::vector<Span>& spans);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_TRACES_OTLP_JSON_H_
