#include "storage/catalog/garbage_run.h"

#include <algorithm>

#include "schemas/base/limits.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/storage/catalog/catalog_fixture.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

// On a store in a folder: six segments of images 0 to 1535, of which collections name some.
class GarbageRunTest : public CatalogFixture {
 protected:
  static constexpr size_t kImages = 6 * kSegmentRows;

  void SetUp() override {
    store_ = OpenRocksDbStore(path_, {}).value();
    Reopen(std::chrono::milliseconds(0));
    space_ = store_->OpenSpace(backbone_, kTestDim).value();
    rows_ = Append();
  }
  void TearDown() override { catalog_.reset(); }
  std::vector<RowId> Append() {
    return AppendOk(store_.get(), space_, TestImages(0, kImages), embeddings_);
  }
  // The samples of whole segments.
  SampleChunk Segments(size_t first, size_t count) {
    return Samples(first * kSegmentRows, count * kSegmentRows);
  }
  GarbageStep Collect(const GarbageOptions& options = {.apply = true}) {
    uint64_t run = 0;
    for (int i = 0; i < 1000; ++i) {
      const auto step = catalog_->CollectGarbage(&run, options);
      EXPECT_TRUE(step.ok()) << step.status().ToString();
      if (!step.ok() || step->phase.empty()) return step.ok() ? *step : GarbageStep();
    }
    ADD_FAILURE() << "the search does not end";
    return {};
  }
  // Which segments can be read.
  std::vector<size_t> Readable() {
    std::vector<size_t> readable;
    for (size_t segment = 0; segment < kImages / kSegmentRows; ++segment) {
      Matrix out(1, kTestDim);
      const RowId row = rows_[segment * kSegmentRows + 7];
      const Status read = store_->ReadRows(space_, {&row, 1}, out.view());
      if (read.ok())
        readable.push_back(segment);
      else
        EXPECT_EQ(read.code(), Code::kNotFound) << read.ToString();
    }
    return readable;
  }
  void ExpectSound() { EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>()); }
  void OpenAgain() {
    catalog_.reset();
    store_.reset();
    store_ = OpenRocksDbStore(path_, {}).value();
    Reopen(std::chrono::milliseconds(0));
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
  Matrix embeddings_ = TestEmbeddings(kImages, kTestDim, 1);
};

TEST_F(GarbageRunTest, GivesBackWhatNoVersionNames) {
  CommitOk("c", Segments(0, 2));
  CommitOk("d", Segments(3, 1));
  SampleChunk one = Samples(5 * kSegmentRows + 3, 1);
  CommitOk("d", one);
  const GarbageStep found = Collect({.apply = false});
  EXPECT_EQ(found.segments, 2u);
  EXPECT_EQ(found.rows, 2 * kSegmentRows);
  EXPECT_EQ(found.bytes, 2 * kSegmentRows * kTestDim * sizeof(float));
  EXPECT_EQ(found.kept_rows, kSegmentRows - 1) << "beside the one that is named";
  EXPECT_EQ(Readable().size(), 6u) << "nothing was changed";

  const GarbageStep given = Collect();
  EXPECT_EQ(given.rows, found.rows);
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 1, 3, 5}));
  ExpectSound();
  EXPECT_EQ(Collect().rows, 0u) << "nothing is left";
  OpenAgain();
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 1, 3, 5}));
  EXPECT_EQ(store_->FindSpace(backbone_)->rows, 4 * kSegmentRows);
  ExpectSound();

  const std::vector<RowId> again = Append();
  EXPECT_EQ(again[0], rows_[0]);
  EXPECT_EQ(again[5 * kSegmentRows], rows_[5 * kSegmentRows]);
  EXPECT_EQ(again[2 * kSegmentRows], kImages) << "stored anew";
  Matrix out(kImages, kTestDim);
  ASSERT_TRUE(store_->ReadRows(space_, again, out.view()).ok());
  for (size_t i = 0; i < kImages; ++i) ExpectSameRow(out, i, embeddings_, i);
  ExpectSound();
}

TEST_F(GarbageRunTest, ADeletedCollectionIsGivenBackAndOthersAreServed) {
  CommitOk("c", Segments(0, 4));
  CommitOk("d", Segments(2, 4));
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  EXPECT_EQ(Collect().segments, 2u);
  EXPECT_EQ(Readable(), (std::vector<size_t>{2, 3, 4, 5}));
  ExpectSound();
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "d").ok());
  EXPECT_EQ(Collect().segments, 4u);
  EXPECT_EQ(store_->FindSpace(backbone_)->rows, 0u);
  ExpectSound();
}

TEST_F(GarbageRunTest, KeepsWhatADraftNamesWheneverItCameToNameIt) {
  const uint32_t before = catalog_->BeginDraft(Request("before"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(before, Segments(0, 1)).ok());
  const uint32_t during = catalog_->BeginDraft(Request("during"))->draft;
  uint64_t run = 0;
  size_t segment = 1;
  GarbageStep step;
  do {
    step = catalog_->CollectGarbage(&run, {.apply = true}).value();
    // In each phase another segment comes to be named, as long as its images are known.
    if (segment == 6) continue;
    const Status appended = catalog_->AppendSamples(during, Segments(segment, 1));
    if (!appended.ok()) {
      EXPECT_EQ(appended.code(), Code::kInvalidArgument) << "given back: to be appended again";
      break;
    }
    ++segment;
  } while (!step.phase.empty());
  while (!step.phase.empty()) step = catalog_->CollectGarbage(&run, {.apply = true}).value();
  EXPECT_GT(segment, 1u);
  ASSERT_TRUE(Finish(before, kSegmentRows).ok());
  ASSERT_TRUE(Finish(during, (segment - 1) * kSegmentRows).ok());
  const std::vector<size_t> readable = Readable();
  for (size_t i = 0; i < segment; ++i) EXPECT_EQ(std::ranges::count(readable, i), 1) << i;
  ExpectSound();
}

TEST_F(GarbageRunTest, KeepsPairsUnlessTheyAreToGo) {
  // Views of images 0 to 255, which "c" has, and of 256 to 511, which it has not.
  std::vector<RowId> views(2 * kSegmentRows);
  const Matrix embeddings = TestEmbeddings(2 * kSegmentRows, kTestDim, 2);
  ASSERT_TRUE(store_
                  ->AppendRows(space_, TestImages(10000, 2 * kSegmentRows), embeddings.view(),
                               views, {}, TestImages(0, 2 * kSegmentRows))
                  .ok());
  CommitOk("c", Segments(0, 1));
  EXPECT_EQ(Collect().segments, 4u);
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 1})) << "1 is the images of pairs";
  EXPECT_TRUE(store_->CheckRows(space_, views).ok());
  ExpectSound();
  EXPECT_EQ(Collect({.apply = true, .pairs = true}).segments, 2u);
  EXPECT_EQ(Readable(), std::vector<size_t>{0});
  EXPECT_TRUE(store_->CheckRows(space_, std::span(views).first(kSegmentRows)).ok());
  EXPECT_FALSE(store_->CheckRows(space_, views).ok());
  ExpectSound();
}

TEST_F(GarbageRunTest, FreesWhatARunDroppedThatDidNotComeToItsEnd) {
  catalog_.reset();
  store_.reset();
  OpenAgain();  // so that the segments are in tables
  const std::vector<uint64_t> segments = {1, 2, 4};
  std::vector<StoredImage> images;
  for (const uint64_t segment : segments) {
    for (size_t i = segment * kSegmentRows; i < (segment + 1) * kSegmentRows; ++i) {
      images.push_back({TestImage(i), rows_[i], {}, false});
    }
  }
  ASSERT_TRUE(store_->ForgetImages(space_, images).ok());
  ASSERT_EQ(store_->DropSegments(space_, segments, true)->segments, 3u);
  OpenAgain();
  CommitOk("c", Samples(0, 1));
  CommitOk("c", Samples(3 * kSegmentRows, 1));
  CommitOk("c", Samples(5 * kSegmentRows, 1));
  const auto left = store_->DropSegments(space_, segments, true);
  EXPECT_EQ(left->segments, 0u);
  EXPECT_TRUE(left->compact);
  EXPECT_EQ(Collect().segments, 0u);
  EXPECT_FALSE(store_->DropSegments(space_, segments, true)->compact);
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 3, 5}));
  ExpectSound();
}

TEST_F(GarbageRunTest, ARunThatFailedDoesNotGoOn) {
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", "damaged", "").ok());
  uint64_t run = 0;
  EXPECT_EQ(catalog_->CollectGarbage(&run, {.apply = true}).status().code(), Code::kDataLoss);
  EXPECT_EQ(catalog_->CollectGarbage(&run, {.apply = true}).status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(Readable().size(), 6u);
}

TEST_F(GarbageRunTest, KeepsRowsOfAVersionThatIsMadeOfOneThatIsDeletedMeanwhile) {
  CommitOk("c", Segments(0, 1));
  uint64_t run = 0;
  ASSERT_EQ(catalog_->CollectGarbage(&run, {.apply = true})->phase, "versions");
  // "c@2" has the rows of "c@1" in a chunk of its own, which the run has not seen.
  CommitOk("c", Segments(1, 1));
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  GarbageStep step;
  do {
    step = catalog_->CollectGarbage(&run, {.apply = true}).value();
  } while (!step.phase.empty());
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 1}));
  ExpectSound();
}

TEST_F(GarbageRunTest, KeepsRowsThatAWriterWasToldOfBeforeItsSamplesNameThem) {
  CommitOk("c", Samples(0, 1));
  std::vector<RowId> told(2);
  ASSERT_TRUE(catalog_->FindImages(space_, TestImages(kSegmentRows, 2), told).ok());
  const std::vector<ContentHash> fresh = TestImages(9000, 1);
  const Matrix values = TestEmbeddings(1, kTestDim, 2);
  std::vector<RowId> row(1);
  // A view of an image of segment 2.
  const std::vector<ContentHash> source = {TestImage(2 * kSegmentRows)};
  ASSERT_TRUE(catalog_->AppendRows(space_, {fresh, values.view(), {}, source}, row).ok());
  uint64_t run = 0;
  ASSERT_EQ(catalog_->CollectGarbage(&run, {.apply = true})->phase, "versions");
  ASSERT_TRUE(catalog_->FindImages(space_, TestImages(3 * kSegmentRows, 1), row).ok());
  GarbageStep step;
  do {
    step = catalog_->CollectGarbage(&run, {.apply = true}).value();
  } while (!step.phase.empty());
  EXPECT_EQ(Readable(), (std::vector<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(catalog_->CollectGarbage(&run, {.apply = true}).value(), step)
      << "the last step, again";
  ExpectSound();
}

TEST_F(GarbageRunTest, AnotherRunEndsTheOneBefore) {
  uint64_t first = 0;
  ASSERT_TRUE(catalog_->CollectGarbage(&first, {}).ok());
  uint64_t second = 0;
  ASSERT_TRUE(catalog_->CollectGarbage(&second, {}).ok());
  EXPECT_NE(first, second);
  EXPECT_EQ(catalog_->CollectGarbage(&first, {}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog_->CollectGarbage(&second, {.apply = true}).status().code(),
            Code::kInvalidArgument)
      << "what a run writes is settled when it begins";
  EXPECT_TRUE(catalog_->CollectGarbage(&second, {}).ok());
}

TEST_F(GarbageRunTest, GivesNothingBackWhileARecordIsDamaged) {
  CommitOk("c", Segments(0, 1));
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", "damaged", "").ok());
  uint64_t run = 0;
  EXPECT_EQ(catalog_->CollectGarbage(&run, {.apply = true}).status().code(), Code::kDataLoss);
  EXPECT_EQ(Readable().size(), 6u);
}

}  // namespace
}  // namespace augstore
