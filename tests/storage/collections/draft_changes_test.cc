#include "storage/collections/draft_changes.h"

#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

class DraftChangesTest : public CatalogFixture {
 protected:
  std::vector<SharedRows> Shared(const std::vector<SampleChunk>& chunks) {
    const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
    for (const SampleChunk& chunk : chunks) EXPECT_TRUE(catalog_->AppendSamples(draft, chunk).ok());
    const auto changes = Compare(draft);
    EXPECT_TRUE(changes.ok()) << changes.status().ToString();
    return changes.ok() ? changes->shared : std::vector<SharedRows>();
  }
  // Samples of the same rows under other keys.
  SampleChunk Renamed(size_t first, size_t count, const std::string& split = "train") {
    SampleChunk chunk = Samples(first, count, split);
    for (std::string& key : chunk.keys) key = "again " + key;
    return chunk;
  }
};

TEST_F(DraftChangesTest, CountsRowsThatTheCollectionHasInAnotherSplit) {
  CommitOk("c", Samples(0, 50));
  SampleChunk test = Samples(40, 20, "test");
  test.labels[0][3] = -1;
  EXPECT_EQ(Shared({test}), (std::vector<SharedRows>{{"test", "train", 10, 1}}));
}

TEST_F(DraftChangesTest, CountsRowsUnderSeveralKeysOfOneSplit) {
  CommitOk("c", Samples(0, 50));
  SampleChunk renamed = Renamed(45, 15);
  renamed.labels[0][0] = -1;
  renamed.labels[0][14] = -1;  // a row that is new conflicts with nothing
  EXPECT_EQ(Shared({renamed}), (std::vector<SharedRows>{{"train", "train", 5, 1}}));
}

TEST_F(DraftChangesTest, CountsRowsWithinTheDraftWithMostFirst) {
  EXPECT_EQ(Shared({Samples(0, 20), Renamed(0, 3), Renamed(5, 8, "test")}),
            (std::vector<SharedRows>{{"test", "train", 8, 0}, {"train", "train", 3, 0}}));
}

TEST_F(DraftChangesTest, FindsNothingWhereRowsAreDistinctOrTheSameSamples) {
  CommitOk("c", Samples(0, 50));
  EXPECT_EQ(Shared({Samples(0, 50), Samples(60, 5, "test")}), std::vector<SharedRows>());
}

TEST_F(DraftChangesTest, ARowThatIsReplacedIsNotSharedWithItself) {
  CommitOk("c", Samples(0, 5));
  SampleChunk swapped = Samples(0, 2);
  std::swap(swapped.images[0], swapped.images[1]);
  EXPECT_EQ(Shared({swapped}), std::vector<SharedRows>());
}

}  // namespace
}  // namespace augstore
