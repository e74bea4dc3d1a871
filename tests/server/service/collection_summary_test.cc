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
  const auto summary = SummariseCollection(*filled.catalog, *wide, {});
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  EXPECT_EQ((*summary)["splits"][0]["unlabelled"], kWideSamples);
  EXPECT_EQ((*summary)["columns"].size(), 0u);
}

TEST(CollectionSummaryTest, GivesUpWhenNobodyWaits) {
  FilledStore filled;
  const auto toy = filled.catalog->Get<CollectionRecord>("toy");
  std::stop_source stop;
  stop.request_stop();
  const Cancellation gone(stop.get_token(), Cancellation::Clock::time_point::max());
  EXPECT_EQ(SummariseCollection(*filled.catalog, *toy, gone).status().code(), Code::kUnavailable);
  MemoryBudget memory(0, "test");
  EXPECT_EQ(CompareCollections(*filled.catalog, *toy, *toy, memory, gone).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(memory.taken(), 0u);
}

}  // namespace
}  // namespace augstore
