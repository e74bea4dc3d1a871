#include "storage/catalog/collection_draft.h"

#include <gtest/gtest.h>

#include <optional>

namespace augstore {
namespace {

TEST(CollectionDraft, CountsItsBytesAmongThoseOfAllDrafts) {
  std::atomic<size_t> all = kMaxDraftBytes - 1000;
  std::optional<CollectionDraft> draft(&all);
  {
    const MutexLock lock(draft->mutex);
    EXPECT_TRUE(draft->Reserve(600).ok());
    EXPECT_EQ(draft->Reserve(401).code(), Code::kResourceExhausted);
    EXPECT_TRUE(draft->Reserve(400).ok());
  }
  EXPECT_EQ(all, kMaxDraftBytes);
  draft.reset();
  EXPECT_EQ(all, kMaxDraftBytes - 1000);
}

TEST(CollectionDraft, IsNotIdleWhenItIsNew) {
  std::atomic<size_t> all = 0;
  EXPECT_FALSE(CollectionDraft(&all).IsIdle());
}

}  // namespace
}  // namespace augstore
