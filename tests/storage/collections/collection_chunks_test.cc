#include "storage/collections/collection_chunks.h"

#include "schemas/base/limits.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

using CollectionChunksTest = CatalogFixture;

TEST_F(CollectionChunksTest, FindsTheChunkOfASampleAlsoWhereChunksAreShort) {
  ChunkTable table;
  for (const uint32_t samples : {4096u, 4095u, 1u, 7u}) {
    table.lists.push_back(1);
    table.samples.push_back(samples);
  }
  const PlacedChunks chunks(table);
  EXPECT_EQ(chunks.begins, (std::vector<SampleId>{0, 4096, 8191, 8192}));
  EXPECT_EQ(chunks.ChunkOfSample(0), 0u);
  EXPECT_EQ(chunks.ChunkOfSample(4095), 0u);
  EXPECT_EQ(chunks.ChunkOfSample(4096), 1u);
  EXPECT_EQ(chunks.ChunkOfSample(8191), 2u);
  EXPECT_EQ(chunks.ChunkOfSample(8198), 3u);
}

TEST_F(CollectionChunksTest, ReadsSamplesOfManyVersions) {
  std::vector<Versioned<CollectionRecord>> versions;
  for (size_t i = 0; i < 12; ++i) versions.push_back(CommitOk("c", Samples(i * 1000, 1000)));
  for (const auto& version : versions) {
    const SampleChunk last =
        catalog_->GetSamples(version.record, version.record.samples - 1, 5).value();
    EXPECT_EQ(last.keys, std::vector<std::string>{std::to_string(version.record.samples - 1)});
  }
}

TEST_F(CollectionChunksTest, SummariesHaveTheFirstBytesOfTheHashes) {
  const SampleChunk chunk = Samples(3, 2, "test");
  const ChunkSummary summary = Summarize(chunk);
  EXPECT_EQ(summary.samples[1], Prefix64(SampleHash("test", "4")));
  EXPECT_EQ(summary.images[0], Prefix64(TestImage(3)));
}

TEST_F(CollectionChunksTest, NoticesAChunkThatIsNotTheTables) {
  const auto made = CommitOk("c", Samples(0, 5000));
  ChunkTable table = ReadTable(store_.get(), made.record).value();
  table.samples[1] += 1;
  const Status chunk = ReadChunk(store_.get(), table, 1, {1, 0}).status();
  EXPECT_EQ(chunk.code(), Code::kDataLoss);
  EXPECT_TRUE(Mentions(chunk, "904 samples")) << chunk.message();
  EXPECT_EQ(ReadSummary(store_.get(), table, 1).status().code(), Code::kDataLoss);
  EXPECT_EQ(ReadChunk(store_.get(), table, 0, {2, 0}).status().code(), Code::kDataLoss);
  table.numbers[0] = 77;
  EXPECT_EQ(ReadChunk(store_.get(), table, 0, {1, 0}).status().code(), Code::kNotFound);
  CollectionRecord record = made.record;
  record.samples += 1;
  EXPECT_EQ(ReadTable(store_.get(), record).status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace augstore
