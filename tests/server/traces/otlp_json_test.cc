#include "server/traces/otlp_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace augstore {
namespace {

using Json = nlohmann::json;

Span OfQuery() {
  return {.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
          .span_id = "53995c3f42cd8ad8",
          .parent_span_id = "00f067aa0ba902b7",
          .name = "Query photos",
          .start_unix_ns = 1'795'990'000'123'456'789,
          .end_unix_ns = 1'795'990'001'123'456'789,
          .attributes = {{"db.system.name", "augstore"},
                         {"server.port", int64_t{7411}},
                         {"augstore.store_seconds", 0.25}},
          .failed = false,
          .failure = ""};
}

// The span of a request of one.
Json Written(const Span& span) {
  const Json request = Json::parse(OtlpJson({span}));
  return request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
}

TEST(OtlpJson, WritesIdsInHexadecimalAndIntegersOf64BitsAsTexts) {
  const Json expected = Json::parse(R"({
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "53995c3f42cd8ad8",
    "parentSpanId": "00f067aa0ba902b7", "name": "Query photos", "kind": 2,
    "startTimeUnixNano": "1795990000123456789", "endTimeUnixNano": "1795990001123456789",
    "attributes": [{"key": "db.system.name", "value": {"stringValue": "augstore"}},
                   {"key": "server.port", "value": {"intValue": "7411"}},
                   {"key": "augstore.store_seconds", "value": {"doubleValue": 0.25}}]})");
  EXPECT_EQ(Written(OfQuery()), expected);
}

TEST(OtlpJson, SaysWhoseSpansTheyAre) {
  const Json request = Json::parse(OtlpJson({OfQuery(), OfQuery()}));
  const Json& resource = request["resourceSpans"][0];
  EXPECT_EQ(resource["resource"]["attributes"][0],
            Json::parse(R"({"key": "service.name", "value": {"stringValue": "augstore"}})"));
  EXPECT_EQ(resource["scopeSpans"][0]["scope"]["name"], "augstore");
  EXPECT_EQ(resource["scopeSpans"][0]["spans"].size(), 2u);
}

TEST(OtlpJson, HasAStatusForFailuresAlone) {
  Span span = OfQuery();
  EXPECT_FALSE(Written(span).contains("status"));
  span.failed = true;
  span.failure = "collection 'x' does not exist";
  EXPECT_EQ(Written(span)["status"],
            Json::parse(R"({"code": 2, "message": "collection 'x' does not exist"})"));
}

TEST(OtlpJson, ReplacesWhatIsNoUtf8) {
  Span span = OfQuery();
  span.name =
      "Query a\xff"
      "b";
  EXPECT_EQ(Written(span)["name"], "Query a\uFFFDb");
}

}  // namespace
}  // namespace augstore
