#include "server/service/service_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/support/ask.h"
#include "tests/support/filled_store.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class ServiceMetricsTest : public ::testing::Test {
 protected:
  // Every sample by its name and labels, as they are written.
  std::map<std::string, double> Samples() {
    const Result<std::string> text = service_.MetricsText();
    EXPECT_TRUE(text.ok()) << Text(text);
    std::istringstream lines(text.ok() ? *text : "");
    std::map<std::string, double> samples;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      const size_t space = line.rfind(' ');
      EXPECT_TRUE(samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
          << "twice: " << line;
    }
    return samples;
  }
  StreamReply Open(const std::string& policy) {
    return Ask<StreamReply>(
               service_,
               OpenStreamRequest{{.collection = "toy", .policy = policy, .batch_size = 100}})
        .value();
  }
  void Run(const StreamReply& stream, uint32_t count) {
    Replies(service_, ToFrame(BatchesRequest{stream.spec, stream.fingerprint, 0, 0, count}));
  }

  FilledStore filled_;
  Service service_{filled_.catalog.get(), {.batch_cache_bytes = 1 << 20, .message_bytes = 1 << 26}};
};

TEST_F(ServiceMetricsTest, CountsRequestsAndErrorsByKind) {
  EXPECT_TRUE(Ask<ServerInfoReply>(service_, ServerInfoRequest{}).ok());
  EXPECT_TRUE(Ask<ServerInfoReply>(service_, ServerInfoRequest{}).ok());
  EXPECT_FALSE(
      Ask<RecordReply>(service_, GetRecordRequest{RecordKind::kCollection, "none", false}).ok());
  service_.NoteRefusal(Nobody("tcp 10.0.0.1:1"), "Connect", Unauthenticated("no key"));
  auto samples = Samples();
  EXPECT_EQ(samples["augstore_requests_total{request=\"ServerInfo\"}"], 2);
  EXPECT_EQ(samples["augstore_request_seconds_count{request=\"ServerInfo\"}"], 2);
  EXPECT_EQ(samples["augstore_errors_total{code=\"NotFound\"}"], 1);
  EXPECT_EQ(samples["augstore_errors_total{code=\"Internal\"}"], 0);
  EXPECT_EQ(samples["augstore_refused_total{code=\"Unauthenticated\"}"], 1);
}

TEST_F(ServiceMetricsTest, SaysWhereTheTimeOfBatchesWent) {
  Run(Open("identity:1"), 8);
  auto samples = Samples();
  EXPECT_EQ(samples["augstore_batches_total"], 8);
  EXPECT_EQ(samples["augstore_rows_total"], 800);
  EXPECT_EQ(samples["augstore_batch_build_seconds_count"], 8);
  EXPECT_GT(samples["augstore_stage_seconds_total{stage=\"store\"}"], 0);
  EXPECT_EQ(samples["augstore_stage_seconds_total{stage=\"transform\"}"], 0);
  EXPECT_GT(samples["augstore_stage_seconds_total{stage=\"encode\"}"], 0);
  EXPECT_EQ(samples["augstore_launches_total"], 0);
  Run(Open("double:1"), 8);
  samples = Samples();
  EXPECT_GT(samples["augstore_stage_seconds_total{stage=\"transform\"}"], 0);
  EXPECT_EQ(samples["augstore_launches_total"], 8);
  EXPECT_EQ(samples["augstore_launch_rows_total"], 800);
  double stages = 0;
  for (const char* stage : {"store", "transform", "encode"}) {
    stages += samples[fmt::format("augstore_stage_seconds_total{{stage=\"{}\"}}", stage)];
  }
  EXPECT_NEAR(stages, samples["augstore_batch_build_seconds_sum"], 1e-7) << "nothing is left out";
}

TEST_F(ServiceMetricsTest, TellsBatchesThatWereKeptFromThoseThatWereBuilt) {
  const StreamReply stream = Open("double:1");
  Run(stream, 4);
  Run(stream, 4);
  auto samples = Samples();
  EXPECT_EQ(samples["augstore_batches_total"], 8);
  EXPECT_EQ(samples["augstore_batches_built_total"], 4);
}

TEST_F(ServiceMetricsTest, SaysWhatTheStoreHasAndWhatHoldsMemory) {
  auto samples = Samples();
  EXPECT_EQ(samples["augstore_store_takes_writes"], 1);
  EXPECT_EQ(samples["augstore_store_rows"], kTestSamples);
  EXPECT_EQ(samples["augstore_names{kind=\"collection\"}"], 1);
  EXPECT_EQ(samples["augstore_memory_budget_bytes{holder=\"messages\"}"], 1 << 26);
  EXPECT_EQ(samples["augstore_memory_budget_bytes{holder=\"batch_cache\"}"], 1 << 20);
  EXPECT_FALSE(samples.contains("augstore_disk_free_bytes")) << "a store in memory has no disk";
  EXPECT_FALSE(samples.contains("augstore_last_backup_timestamp_seconds"));
}

TEST_F(ServiceMetricsTest, HasNoMoreSeriesHoweverMuchThereIs) {
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& [name, value] : Samples()) all.insert(name);
    return all;
  };
  Run(Open("identity:1"), 1);
  EXPECT_FALSE(Ask<StreamReply>(service_, OpenStreamRequest{{.collection = "none"}}).ok());
  const auto before = names();
  for (int i = 0; i < 50; ++i) {
    Run(Open(fmt::format("identity:{},double:1", i + 1)), 2);
    const std::string name = fmt::format("no-{}", i);
    EXPECT_FALSE(Ask<StreamReply>(service_, OpenStreamRequest{{.collection = name}}).ok());
  }
  EXPECT_EQ(names(), before);
}

TEST_F(ServiceMetricsTest, CountsLostSpansWhereThereIsACollector) {
  EXPECT_FALSE(Samples().contains("augstore_spans_lost_total"));
  SpanQueue spans(1);
  Service traced(filled_.catalog.get(), {.spans = &spans});
  spans.CountLost(3);
  EXPECT_THAT(traced.MetricsText().value(), HasSubstr("\naugstore_spans_lost_total 3\n"));
}

}  // namespace
}  // namespace augstore
