#include "server/traces/request_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace augstore {
namespace {

using ::testing::Contains;
using ::testing::Not;

const TraceContext kParent{"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true};

class RequestTraceTest : public ::testing::Test {
 protected:
  Span Ended(RequestTrace& trace) {
    trace.End();
    auto spans = queue_.Take(10, std::chrono::milliseconds(0));
    EXPECT_EQ(spans.size(), 1u);
    return spans.at(0);
  }
  SpanQueue queue_{10};
};

TEST_F(RequestTraceTest, IsNamedAfterTheConventionsForDatabases) {
  RequestTrace trace(kParent, {"Query", "127.0.0.1", 7411}, &queue_);
  trace.NoteCollection("photos@3");
  const Span span = Ended(trace);
  EXPECT_EQ(span.name, "Query photos");
  EXPECT_EQ(span.trace_id, kParent.trace_id);
  EXPECT_EQ(span.parent_span_id, kParent.span_id);
  EXPECT_EQ(span.span_id.size(), 16u);
  EXPECT_NE(span.span_id, kParent.span_id);
  EXPECT_GE(span.end_unix_ns, span.start_unix_ns);
  EXPECT_FALSE(span.failed);
  const std::vector<SpanAttribute> expected = {
      {"db.system.name", "augstore"},   {"db.operation.name", "Query"},
      {"db.collection.name", "photos"}, {"augstore.collection", "photos@3"},
      {"server.address", "127.0.0.1"},  {"server.port", int64_t{7411}}};
  EXPECT_EQ(span.attributes, expected);
}

TEST_F(RequestTraceTest, HasOnlyItsOperationWhereNothingIsNamed) {
  RequestTrace trace(kParent, {"Stats", "/run/a.sock", 0}, &queue_);
  const Span span = Ended(trace);
  EXPECT_EQ(span.name, "Stats");
  for (const SpanAttribute& attribute : span.attributes) {
    EXPECT_NE(attribute.key, "db.collection.name");
    EXPECT_NE(attribute.key, "server.port");
  }
}

TEST_F(RequestTraceTest, SaysWhatWentWrong) {
  RequestTrace trace(kParent, {"Query", "", 0}, &queue_);
  trace.Fail(NotFound("collection 'x' does not exist"));
  const Span span = Ended(trace);
  EXPECT_TRUE(span.failed);
  EXPECT_EQ(span.failure, "collection 'x' does not exist");
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"error.type", "NotFound"}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"db.response.status_code", "NotFound"}));
}

TEST_F(RequestTraceTest, CountsBatchesAndSecondsOfARun) {
  RequestTrace trace(kParent, {"Batches", "", 0}, &queue_);
  trace.NoteRun(2, 7);
  trace.CountBatch(256);
  trace.CountBatch(100);
  trace.store_seconds.Add(std::chrono::milliseconds(500));
  trace.wait_for_client_seconds.Add(std::chrono::seconds(2));
  const Span span = Ended(trace);
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.epoch", int64_t{2}}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.step", int64_t{7}}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.batches", int64_t{2}}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.rows", int64_t{356}}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.store_seconds", 0.5}));
  EXPECT_THAT(span.attributes, Contains(SpanAttribute{"augstore.wait_for_client_seconds", 2.0}));
}

TEST_F(RequestTraceTest, EndsOnceItsHolderIsGone) {
  const auto trace =
      std::make_shared<RequestTrace>(kParent, RequestTrace::About{"Stats", "", 0}, &queue_);
  { const TraceEnd end(trace); }
  { const TraceEnd none(nullptr); }
  EXPECT_EQ(queue_.Take(10, std::chrono::milliseconds(0)).size(), 1u);
}

TEST_F(RequestTraceTest, HasNoSpanWithoutACollector) {
  RequestTrace trace(kParent, {"Stats", "", 0}, nullptr);
  trace.End();
  EXPECT_EQ(trace.trace_id(), kParent.trace_id);
}

}  // namespace
}  // namespace augstore
