#include "storage/catalog/collection_removal.h"

#include "schemas/base/limits.h"
#include "storage/collections/collection_chunks.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

class CollectionRemovalTest : public CatalogFixture {
 protected:
  // Three versions: the second fills up the last chunk of the first, the third changes chunk 0.
  void SetUp() override {
    CatalogFixture::SetUp();
    versions_.push_back(CommitOk("c", Samples(0, 2 * kSampleChunkRows + 5)));
    versions_.push_back(CommitOk("c", Samples(50000, 1)));
    DraftSpec request = Request("c");
    request.replace_samples = true;
    SampleChunk changed = Samples(7, 1);
    changed.labels[0] = {-1};
    versions_.push_back(Commit(request, {changed}).value());
  }
  uint32_t List(size_t version) { return versions_[version - 1].record.sample_list; }
  bool Has(size_t version, uint64_t number) {
    const bool chunk = store_->ReadSampleChunk({List(version), number}).ok();
    EXPECT_EQ(store_->ReadSampleChunk({List(version), SummaryNumber(number)}).ok(), chunk);
    return chunk;
  }
  bool HasTable(size_t version) { return ReadTable(store_.get(), List(version)).ok(); }
  void ExpectReadable(size_t version) {
    const auto& record = versions_[version - 1].record;
    EXPECT_EQ(catalog_->GetSamples(record, 0, record.samples)->size(), record.samples);
    EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
  }
  void DeleteInterrupted(uint32_t version) {
    ASSERT_TRUE(store_->DeleteRecord({RecordKind::kCollection, "c", version}).ok());
  }

  std::vector<Versioned<CollectionRecord>> versions_;
};

TEST_F(CollectionRemovalTest, ADeletedVersionTakesTheChunksThatOnlyItNames) {
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  EXPECT_TRUE(Has(1, 0)) << "version 2 names it";
  EXPECT_TRUE(Has(1, 1));
  EXPECT_FALSE(Has(1, 2)) << "the chunk that version 2 filled up";
  EXPECT_FALSE(HasTable(1));
  ExpectReadable(2);
  ExpectReadable(3);
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@2").ok());
  EXPECT_FALSE(Has(1, 0)) << "a list of a version that was deleted before";
  EXPECT_TRUE(Has(1, 1));
  EXPECT_TRUE(Has(2, 0));
  ExpectReadable(3);
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@3").ok());
  EXPECT_TRUE(store_->ListSampleLists()->empty());
}

TEST_F(CollectionRemovalTest, DeletingTheLatestLeavesTheOthersWhole) {
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@3").ok());
  EXPECT_EQ(store_->ListSampleLists()->size(), 2u);
  ExpectReadable(1);
  ExpectReadable(2);
  EXPECT_EQ(CommitOk("c", Samples(50001, 1)).version, 4u) << "numbers are not used again";
}

TEST_F(CollectionRemovalTest, OpeningEndsADeletionThatWasInterrupted) {
  DeleteInterrupted(1);
  EXPECT_TRUE(Has(1, 2));
  Reopen();
  EXPECT_FALSE(Has(1, 2));
  EXPECT_FALSE(HasTable(1));
  ExpectReadable(2);
  DeleteInterrupted(2);
  DeleteInterrupted(3);
  Reopen();
  EXPECT_TRUE(store_->ListSampleLists()->empty());
}

TEST_F(CollectionRemovalTest, OpeningDropsWhatACommitLeftThatHadWrittenItsTable) {
  const auto copy = versions_[2].record;
  ChunkWriter writer(store_.get());
  ChunkTable table = ReadTable(store_.get(), copy).value();
  ASSERT_TRUE(writer.Finish(table).ok());
  ASSERT_EQ(store_->ListSampleLists()->size(), 4u);
  Reopen();
  EXPECT_EQ(store_->ListSampleLists()->size(), 3u);
  for (size_t version = 1; version <= 3; ++version) ExpectReadable(version);
}

TEST_F(CollectionRemovalTest, ADamagedTableDropsNothing) {
  const std::vector<NumberedChunk> damaged = {{kTableNumber, "damaged"}};
  ASSERT_TRUE(store_->PutSampleChunks(List(2), damaged).ok());
  EXPECT_EQ(catalog_->Delete(RecordKind::kCollection, "c@1").status().code(), Code::kDataLoss);
  EXPECT_TRUE(Has(1, 2));
  Reopen();
  EXPECT_TRUE(Has(1, 2)) << "version 2 may name it";
}

}  // namespace
}  // namespace augstore
