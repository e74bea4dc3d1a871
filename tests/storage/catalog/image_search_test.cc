#include "storage/catalog/image_search.h"

#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

TEST(WithoutImagesTest, KeepsTheOtherSamplesInTheirOrder) {
  SampleChunk chunk;
  chunk.split_names = {"train", "test"};
  chunk.splits = {0, 1, 0, 1};
  chunk.labels = {{1, 2, 3, 4}};
  chunk.keys = {"a", "b", "c", "d"};
  chunk.images = {TestImage(1), TestImage(2), TestImage(1), TestImage(3)};
  chunk.rows = {5, 6, 5, 7};
  const SampleChunk rest = WithoutImages(chunk, {TestImage(1)});
  EXPECT_EQ(rest.keys, (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(rest.rows, (std::vector<RowId>{6, 7}));
  EXPECT_EQ(rest.labels, (std::vector<std::vector<int32_t>>{{2, 4}}));
  EXPECT_EQ(rest.split_names, std::vector<std::string>{"test"});
  EXPECT_EQ(WithoutImages(rest, {TestImage(9)}), rest);
}

using ImageSearchTest = CatalogFixture;

TEST_F(ImageSearchTest, FindsEveryVersionThatHasTheImageUnderAnyKey) {
  CommitOk("c", Samples(0, 10));
  CommitOk("c", Samples(10, 10));
  SampleChunk other = Samples(3, 1, "test");
  other.keys = {"three"};
  CommitOk("d", other);
  CommitOk("e", Samples(20, 5));
  ImageSearch search(store_.get(), {"d@1", "", "three", "", false});
  while (!search.Look({}).value()) {
  }
  EXPECT_EQ(search.found().image, TestImage(3).Hex());
  std::vector<std::string> found;
  for (const auto& [key, version] : search.versions()) {
    found.push_back(fmt::format("{}@{}", key.name, key.version));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"c@1", "c@2", "d@1"}));
  EXPECT_EQ(search.found().rows, 1u);
  ASSERT_EQ(search.stored().at(space_).size(), 1u);
  EXPECT_EQ(search.stored().at(space_)[0].row, rows_[3]);
  CommitOk("f", Samples(2, 2));
  ASSERT_TRUE(search.LookAtNew().ok());
  EXPECT_EQ(search.versions().size(), 4u) << "f@1 came since";
}

TEST_F(ImageSearchTest, DoesNotTakeAVersionWhoseSamplesAreMissingForADeletedOne) {
  const auto version = CommitOk("c", Samples(0, 10));
  const ChunkTable table = ReadTable(store_.get(), version.record).value();
  const std::vector<ChunkId> lost = {ChunkOf(table, 0)};
  ASSERT_TRUE(store_->DropSamples({}, lost).ok());
  ImageSearch search(store_.get(), {"", "", "", TestImage(3).Hex(), false});
  Result<bool> found = false;
  while (found.ok() && !*found) found = search.Look({});
  EXPECT_EQ(found.status().code(), Code::kDataLoss) << found.status().ToString();
}

}  // namespace
}  // namespace augstore
