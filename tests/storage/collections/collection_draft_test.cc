#include "storage/collections/collection_draft.h"

#include <gtest/gtest.h>

#include <optional>

namespace augstore {
namespace {

TEST(CollectionDraft, CountsItsBytesAmongThoseOfAllDrafts) {
  MemoryBudget all(1000, "drafts");
  std::optional<CollectionDraft> draft(&all);
  {
    const MutexLock lock(draft->mutex);
    EXPECT_TRUE(draft->Reserve(600).ok());
    EXPECT_EQ(draft->Reserve(401).code(), Code::kResourceExhausted);
    EXPECT_TRUE(draft->Reserve(400).ok());
  }
  EXPECT_EQ(all.taken(), 1000u);
  draft.reset();
  EXPECT_EQ(all.taken(), 0u);
}

TEST(CollectionDraft, IsNotIdleWhenItIsNew) {
  MemoryBudget all(1000, "drafts");
  EXPECT_FALSE(CollectionDraft(&all).IsIdle());
}

}  // namespace
}  // namespace augstore
