#include "server/service/collection_summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/filled_store.h"

namespace augstore {
namespace {

TEST(CollectionSummaryTest, CountsWhatHasNoLabel) {
  FilledStore filled;
  ASSERT_TRUE(AddWideCollection(*filled.catalog).ok());
  const auto wide = filled.catalog->Get<CollectionRecord>("wide");
  MemoryBudget memory(0, "test");
  const auto summary = SummariseCollection(*filled.catalog, *wide, memory, {});
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ((*summary)["splits"][0]["unlabelled"], kWideSamples);
  EXPECT_EQ((*summary)["columns"].size(), 0u);
}

TEST(CollectionSummaryTest, TakesItsMemoryFromABudget) {
  FilledStore filled;
  const auto toy = filled.catalog->Get<CollectionRecord>("toy");
  MemoryBudget small(100, "test");
  EXPECT_EQ(SummariseCollection(*filled.catalog, *toy, small, {}).status().code(),
            Code::kResourceExhausted);
  MemoryBudget enough(10'000, "test");
  EXPECT_TRUE(SummariseCollection(*filled.catalog, *toy, enough, {}).ok());
  EXPECT_EQ(enough.taken(), 0u);
  Versioned<CollectionRecord> many = *toy;
  many.record.splits.resize(1024);
  many.record.labels[0].classes.resize(2048);
  EXPECT_EQ(SummariseCollection(*filled.catalog, many, enough, {}).status().code(),
            Code::kResourceExhausted);
}

TEST(CollectionSummaryTest, GivesUpWhenNobodyWaits) {
  FilledStore filled;
  const auto toy = filled.catalog->Get<CollectionRecord>("toy");
  std::stop_source stop;
  stop.request_stop();
  const Cancellation gone(stop.get_token(), Cancellation::Clock::time_point::max());
  MemoryBudget memory(0, "test");
  EXPECT_EQ(SummariseCollection(*filled.catalog, *toy, memory, gone).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(CompareCollections(*filled.catalog, *toy, *toy, memory, gone).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(memory.taken(), 0u);
}

}  // namespace
}  // namespace augstore
