#include "server/traces/span_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "tests/support/test_collector.h"

namespace augstore {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// That waits for nothing.
constexpr SpanExporterOptions kEager{.patience = milliseconds(1),
                                     .answer_limit = milliseconds(200),
                                     .first_pause = milliseconds(1),
                                     .last_pause = milliseconds(20),
                                     .at_stop = milliseconds(200)};

class SpanExporterTest : public ::testing::Test {
 protected:
  void Start(const Collector& collector, const SpanExporterOptions& options = kEager) {
    exporter_ = std::make_unique<SpanExporter>(
        collector,
        [this](const std::string& why) {
          const std::lock_guard lock(mutex_);
          warnings_.push_back(why);
        },
        options);
  }
  void Push(const std::string& name) {
    Span span;
    span.name = name;
    exporter_->queue()->Push(std::move(span));
  }
  std::vector<std::string> warnings() {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

  std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::unique_ptr<SpanExporter> exporter_;
};

TEST_F(SpanExporterTest, SendsSpansInTheirOrder) {
  TestCollector collector;
  Start(collector.address());
  for (const char* name : {"a", "b", "c"}) Push(name);
  const auto spans = collector.WaitForSpans(3);
  EXPECT_EQ(spans[0]["name"], "a");
  EXPECT_EQ(spans[2]["name"], "c");
  EXPECT_TRUE(warnings().empty());
}

TEST_F(SpanExporterTest, SendsWhatWaitsBeforeItStops) {
  TestCollector collector;
  SpanExporterOptions patient = kEager;
  patient.patience = std::chrono::hours(1);
  patient.at_stop = std::chrono::seconds(30);
  Start(collector.address(), patient);
  Push("a");
  exporter_.reset();
  EXPECT_EQ(collector.spans().size(), 1u);
}

TEST_F(SpanExporterTest, SendsAgainWhatACollectorHadNoRoomFor) {
  TestCollector collector(503);
  Start(collector.address());
  Push("a");
  ASSERT_TRUE(Eventually([&] { return collector.heads().size() >= 3; }));
  collector.AnswerWith(200);
  EXPECT_EQ(collector.WaitForSpans(1)[0]["name"], "a");
  EXPECT_EQ(exporter_->queue()->lost(), 0u);
  ASSERT_EQ(warnings().size(), 1u) << "not one for each attempt";
  EXPECT_THAT(warnings()[0], HasSubstr("it answered HTTP 503"));
  EXPECT_THAT(warnings()[0], HasSubstr(collector.address().ToString()));
}

TEST_F(SpanExporterTest, GivesUpWhatACollectorDoesNotWantAndGoesOn) {
  TestCollector collector(400);
  Start(collector.address());
  Push("a");
  ASSERT_TRUE(Eventually([&] { return exporter_->queue()->lost() == 1; }));
  collector.AnswerWith(200);
  Push("b");
  EXPECT_EQ(collector.WaitForSpans(1)[0]["name"], "b");
}

TEST_F(SpanExporterTest, NeverWaitsForACollectorThatIsGone) {
  const Collector gone = TestCollector().address();
  SpanExporterOptions small = kEager;
  small.most_waiting = 4;
  Start(gone, small);
  for (int i = 0; i < 100; ++i) Push("a");
  ASSERT_TRUE(Eventually([&] { return !warnings().empty(); }));
  EXPECT_GE(exporter_->queue()->lost(), 1u);
  exporter_.reset();
  EXPECT_EQ(warnings().size(), 1u);
}

TEST_F(SpanExporterTest, StopsInTimeWhenACollectorIsSilent) {
  TestCollector collector(TestCollector::kSilent);
  SpanExporterOptions patient = kEager;
  patient.answer_limit = std::chrono::hours(1);
  Start(collector.address(), patient);
  Push("a");
  ASSERT_TRUE(Eventually([&] { return !collector.heads().empty(); }));
  const auto began = std::chrono::steady_clock::now();
  exporter_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::minutes(1));
}

TEST_F(SpanExporterTest, IsNoneWithoutAnAddress) {
  EXPECT_EQ(SpanExporter::Start("", nullptr).value(), nullptr);
  EXPECT_EQ(SpanExporter::Start("x", nullptr).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
