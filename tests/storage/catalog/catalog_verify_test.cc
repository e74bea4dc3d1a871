#include "schemas/base/limits.h"
#include "storage/collections/collection_chunks.h"
#include "tests/storage/catalog/catalog_fixture.h"

namespace augstore {
namespace {

class CatalogVerifyTest : public CatalogFixture {
 protected:
  void SetUp() override {
    CatalogFixture::SetUp();
    constexpr size_t kHalf = 10 * kSampleChunkRows;
    const auto made = Commit(Request("c"), {Samples(0, kHalf), Samples(kHalf, kHalf)});
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    made_ = *made;
    ASSERT_TRUE(
        catalog_->AddTransform("t", Transform(), Affine(kTestDim, kTestDim).ToSafetensors()).ok());
    ASSERT_TRUE(catalog_->AddHead("h", Head(), Affine(kTestDim, 3).ToSafetensors()).ok());
    ASSERT_TRUE(catalog_->SetAlias(RecordKind::kHead, "h", "best", 1, "").ok());
    BackboneRecord backbone;
    backbone.digest = backbone_;
    backbone.dim = kTestDim;
    ASSERT_TRUE(catalog_->AddBackbone("b", backbone).ok());
  }
  std::string Problems() {
    std::string joined;
    for (const std::string& problem : VerifyAll(catalog_.get())) joined += problem + "\n";
    return joined;
  }

  Versioned<CollectionRecord> made_;
};

TEST_F(CatalogVerifyTest, ChecksEverythingInBoundedSteps) {
  std::string cursor;
  uint64_t checked = 0;
  int steps = 0;
  do {
    const VerifyStep step = catalog_->Verify(cursor).value();
    EXPECT_TRUE(step.problems.empty());
    EXPECT_GT(step.total, 0u);
    checked += step.checked;
    cursor = step.cursor;
    ++steps;
  } while (!cursor.empty());
  EXPECT_GT(steps, 2);
  EXPECT_GE(checked, 300u + 2 + 20 + 4);  // rows, segments, chunks, other records
}

TEST_F(CatalogVerifyTest, NamesAChunkThatChanged) {
  const uint32_t list = made_.record.sample_list;
  const SampleChunk good = Decode<SampleChunk>(store_->ReadSampleChunk({list, 18}).value()).value();
  const auto put = [&](uint64_t number, std::string bytes) {
    ASSERT_TRUE(store_->PutSampleChunks(list, std::vector<NumberedChunk>{{number, bytes}}).ok());
  };
  SampleChunk chunk = good;
  chunk.labels[0][7] ^= 1;
  put(18, Encode(chunk));
  EXPECT_NE(Problems().find("collection 'c@1': the content of chunk 18"), std::string::npos);
  chunk = good;
  chunk.rows[7] = rows_[100];
  put(18, Encode(chunk));
  EXPECT_NE(Problems().find("collection 'c@1': the content of chunk 18"), std::string::npos);
  put(18, "damaged");
  EXPECT_NE(Problems().find("chunk 18 of sample list"), std::string::npos);
  put(18, Encode(good));
  EXPECT_EQ(Problems(), "");
  chunk = good;
  chunk.keys[3] = "another";
  put(SummaryNumber(18), Encode(Summarize(chunk)));
  EXPECT_NE(Problems().find("the summary of chunk 18"), std::string::npos);
  put(SummaryNumber(18), Encode(Summarize(good)));
  put(kTableNumber, "damaged");
  EXPECT_NE(Problems().find("collection 'c@1'"), std::string::npos);
  ASSERT_TRUE(store_->DropSamples({&list, 1}, {}).ok());
  EXPECT_NE(Problems().find("collection 'c@1'"), std::string::npos);
}

TEST_F(CatalogVerifyTest, NamesASharedChunkForEachVersionThatHasIt) {
  ASSERT_EQ(CommitOk("c", Samples(20 * kSampleChunkRows, 5)).version, 2u);
  const std::vector<NumberedChunk> damaged = {{3, "damaged"}};
  ASSERT_TRUE(store_->PutSampleChunks(made_.record.sample_list, damaged).ok());
  const std::string problems = Problems();
  EXPECT_NE(problems.find("collection 'c@1': chunk 3 of sample list 1"), std::string::npos);
  EXPECT_NE(problems.find("collection 'c@2': chunk 3 of sample list 1"), std::string::npos);
}

TEST_F(CatalogVerifyTest, FindsATableThatIsNotItsVersions) {
  CollectionRecord record = made_.record;
  record.lists.push_back(77);
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", Encode(record), "").ok());
  record = made_.record;
  record.source = "";
  record.labels[0].classes[0] = "lion";
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "e", Encode(record), "").ok());
  const std::string problems = Problems();
  EXPECT_NE(problems.find("names other lists than its version"), std::string::npos) << problems;
  EXPECT_NE(problems.find("collection 'e@1': its content has digest"), std::string::npos);
}

TEST_F(CatalogVerifyTest, NamesDamagedRecordsAndWeights) {
  const std::string transform = store_->ReadRecord({RecordKind::kTransform, "t", 1}).value();
  ASSERT_TRUE(store_->AddRecord(RecordKind::kTransform, "t", transform, "other weights").ok());
  ASSERT_TRUE(store_->AddRecord(RecordKind::kBackbone, "x", "damaged", "").ok());
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "y", "damaged", "").ok());
  ASSERT_TRUE(store_->PutRecord(RecordKind::kAliases, "head/z", "damaged").ok());
  ASSERT_TRUE(store_->DeleteRecord({RecordKind::kHead, "h", 1}).ok());
  const std::string problems = Problems();
  for (const char* name : {"transform 't@2'", "backbone 'x@1'", "collection 'y@1'", "'head/z@1'",
                           "alias 'best' points to head 'h@1'"}) {
    EXPECT_NE(problems.find(name), std::string::npos) << name << " in " << problems;
  }
}

TEST_F(CatalogVerifyTest, FindsWrongCounts) {
  CollectionRecord record = made_.record;
  record.splits[0].samples += 1;
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "d", Encode(record), "").ok());
  record = made_.record;
  record.samples += 1;
  ASSERT_TRUE(store_->AddRecord(RecordKind::kCollection, "e", Encode(record), "").ok());
  const std::string problems = Problems();
  EXPECT_NE(problems.find("collection 'd@1'"), std::string::npos) << problems;
  EXPECT_NE(problems.find("collection 'e@1'"), std::string::npos) << problems;
}

TEST_F(CatalogVerifyTest, GoesOnAfterARestartAndAfterALostReply) {
  std::string cursor;
  do {
    cursor = catalog_->Verify(cursor)->cursor;
  } while (!cursor.starts_with("catalog"));
  cursor = catalog_->Verify(cursor)->cursor;
  ASSERT_FALSE(cursor.empty());
  ASSERT_TRUE(catalog_->Verify(cursor).ok());  // its reply is lost
  Reopen();
  bool ended = false;
  for (int i = 0; i < 100 && !ended; ++i) {
    const VerifyStep step = catalog_->Verify(cursor).value();
    EXPECT_TRUE(step.problems.empty());
    cursor = step.cursor;
    ended = cursor.empty();
  }
  EXPECT_TRUE(ended);
}

TEST_F(CatalogVerifyTest, GivesUpWhenItIsToldToAndCanBeginAnew) {
  std::stop_source stop;
  stop.request_stop();
  const Cancellation cancelled(stop.get_token(), Cancellation::Clock::time_point::max());
  const Cancellation late({}, Cancellation::Clock::now());
  std::string cursor;
  size_t steps = 0;
  do {
    EXPECT_EQ(catalog_->Verify(cursor, cancelled).status().code(), Code::kUnavailable) << cursor;
    EXPECT_EQ(catalog_->Verify(cursor, late).status().code(), Code::kDeadlineExceeded) << cursor;
    const VerifyStep step = catalog_->Verify(cursor).value();
    EXPECT_EQ(step.problems, std::vector<std::string>());
    cursor = step.cursor;
  } while (!cursor.starts_with("catalog") && ++steps < 100);
  EXPECT_EQ(catalog_->Verify(cursor, cancelled).status().code(), Code::kUnavailable);
  EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>());
}

TEST_F(CatalogVerifyTest, IgnoresWhatIsDeletedMeanwhile) {
  std::string cursor = catalog_->Verify("")->cursor;
  cursor = catalog_->Verify(cursor)->cursor;
  ASSERT_FALSE(cursor.empty());
  ASSERT_TRUE(catalog_->Delete(RecordKind::kCollection, "c@1").ok());
  while (!cursor.empty()) {
    const VerifyStep step = catalog_->Verify(cursor).value();
    EXPECT_EQ(step.problems, std::vector<std::string>());
    cursor = step.cursor;
  }
}

TEST_F(CatalogVerifyTest, RefusesACursorThatItNeverGave) {
  for (const char* cursor : {"x", "store", "store x", "store 1", "catalog", "catalog 1 2",
                             "catalog 1 2 3 4", "catalog 99999999999999999999999 1 1"}) {
    EXPECT_EQ(catalog_->Verify(cursor).status().code(), Code::kInvalidArgument) << cursor;
  }
}

}  // namespace
}  // namespace augstore
