#include "server/traces/otlp_json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

// Numbers of OTLP's enumerations.
constexpr int kServer = 2;
constexpr int kError = 2;

Json ToJson(const SpanAttribute& attribute) {
  Json value = std::visit(
      [](const auto& is) -> Json {
        using Value = std::decay_t<decltype(is)>;
        // JSON's numbers are doubles to many readers, so OTLP writes 64-bit integers as texts.
        if constexpr (std::is_same_v<Value, int64_t>) return {{"intValue", std::to_string(is)}};
        if constexpr (std::is_same_v<Value, double>) return {{"doubleValue", is}};
        if constexpr (std::is_same_v<Value, std::string>) return {{"stringValue", is}};
      },
      attribute.value);
  return {{"key", attribute.key}, {"value", std::move(value)}};
}

Json ToJson(const std::vector<SpanAttribute>& attributes) {
  Json array = Json::array();
  for (const SpanAttribute& attribute : attributes) array.push_back(ToJson(attribute));
  return array;
}

Json ToJson(const Span& span) {
  Json json = {{"traceId", span.trace_id},
               {"spanId", span.span_id},
               {"parentSpanId", span.parent_span_id},
               {"name", span.name},
               {"kind", kServer},
               {"startTimeUnixNano", std::to_string(span.start_unix_ns)},
               {"endTimeUnixNano", std::to_string(span.end_unix_ns)},
               {"attributes", ToJson(span.attributes)}};
  // Without a failure the status stays unset: that a server answered does not say that its client
  // is content.
  if (span.failed) json["status"] = {{"code", kError}, {"message", span.failure}};
  return json;
}

}  // namespace

std::string OtlpJson(const std::vector<Span>& spans) {
  Json array = Json::array();
  for (const Span& span : spans) array.push_back(ToJson(span));
  const std::vector<SpanAttribute> resource = {{"service.name", "augstore"},
                                               {"service.version", AUGSTORE_VERSION}};
  const Json scope = {{"name", "augstore"}, {"version", AUGSTORE_VERSION}};
  const Json scope_spans = {{"scope", scope}, {"spans", std::move(array)}};
  const Json resource_spans = {{"resource", {{"attributes", ToJson(resource)}}},
                               {"scopeSpans", Json::array({scope_spans})}};
  const Json request = {{"resourceSpans", Json::array({resource_spans})}};
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace augstore
