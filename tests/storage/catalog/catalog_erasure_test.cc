#include <algorithm>
#include <filesystem>
#include <fstream>

#include "storage/rocksdb/rocksdb_open.h"
#include "tests/storage/catalog/catalog_fixture.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

// Images 0 to 299 have rows; collections "c" and "d" have some of them.
class CatalogErasureTest : public CatalogFixture {
 protected:
  void SetUp() override {
    CatalogFixture::SetUp();
    Fill();
  }
  void Fill() {
    CommitOk("c", Samples(0, 10));
    CommitOk("c", Samples(10, 10));  // c@2 has 0 to 19
    CommitOk("d", Samples(5, 1, "only"));
    CommitOk("e", Samples(100, 10));
    ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "c", "best", 1, "").ok());
    ASSERT_TRUE(catalog_->SetAlias(RecordKind::kCollection, "d", "best", 1, "").ok());
  }
  // Steps until the end.
  Result<ErasureStep> Erase(const ErasureTarget& target) {
    uint64_t run = 0;
    for (;;) {
      AUGSTORE_ASSIGN(ErasureStep step, catalog_->EraseSample(&run, target));
      if (step.phase.empty()) return step;
    }
  }
  std::vector<std::string> Keys(const std::string& ref) {
    const auto version = catalog_->Get<CollectionRecord>(ref);
    EXPECT_TRUE(version.ok()) << version.status().ToString();
    return catalog_->GetSamples(version->record, 0, 1000)->keys;
  }
  Code Read(RowId row) {
    Matrix out(1, kTestDim);
    return store_->ReadRows(space_, {&row, 1}, out.view()).code();
  }
  static std::vector<std::string> Names(const ErasureStep& step) {
    std::vector<std::string> names;
    for (const DeletedRecord& record : step.records) {
      names.push_back(fmt::format("{} {}@{}{}", RecordKindName(record.kind), record.name,
                                  record.version, record.alias.empty() ? "" : " " + record.alias));
    }
    return names;
  }
  void ExpectSound() { EXPECT_EQ(VerifyAll(catalog_.get()), std::vector<std::string>()); }
  const ErasureTarget five_ = {"c@1", "train", "5", "", false};
};

TEST_F(CatalogErasureTest, TakesAnImageOutOfEveryVersionAndLeavesTheOthers) {
  const ErasureStep step = Erase(five_).value();
  EXPECT_TRUE(step.applied);
  EXPECT_EQ(step.image, TestImage(5).Hex());
  EXPECT_EQ(step.rows, 1u);
  EXPECT_EQ(Names(step),
            (std::vector<std::string>{"collection c@1", "collection c@1 best", "collection c@2",
                                      "collection d@1", "collection d@1 best"}));
  const auto latest = catalog_->Get<CollectionRecord>("c");
  EXPECT_EQ(latest->version, 3u);
  EXPECT_EQ(latest->record.samples, 19u);
  EXPECT_EQ(latest->record.splits, (std::vector<SplitCount>{{"train", 19}}));
  const std::vector<std::string> keys = Keys("c");
  EXPECT_EQ(std::ranges::count(keys, "5"), 0);
  EXPECT_EQ(std::ranges::count(keys, "4") + std::ranges::count(keys, "6"), 2);
  EXPECT_EQ(Keys("e").size(), 10u);
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  EXPECT_EQ(Read(rows_[4]), Code::kOk);
  EXPECT_EQ(Read(rows_[6]), Code::kOk);
  ExpectSound();
  Reopen();
  EXPECT_EQ(Keys("c@3"), keys);
  ExpectSound();
}

TEST_F(CatalogErasureTest, AnErasedVersionSaysWhatReplacesIt) {
  ASSERT_TRUE(Erase(five_).ok());
  const Status old = catalog_->Get<CollectionRecord>("c@2").status();
  EXPECT_EQ(old.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(old, "an image was erased")) << old.message();
  EXPECT_TRUE(Mentions(old, "c@3")) << old.message();
  const Status empty = catalog_->Get<CollectionRecord>("d@1").status();
  EXPECT_TRUE(Mentions(empty, "its only image")) << empty.message();
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c@best")->version, 3u);
  EXPECT_EQ(catalog_->Get<CollectionRecord>("d@best").status().code(), Code::kNotFound);
}

TEST_F(CatalogErasureTest, ALatestVersionWithoutTheImageReplacesOlderOnes) {
  DraftSpec request = Request("c");
  request.start_empty = true;
  ASSERT_TRUE(Commit(request, {Samples(50, 3)}).ok());
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->version, 3u);
  EXPECT_EQ(Keys("c"), (std::vector<std::string>{"50", "51", "52"}));
  EXPECT_TRUE(Mentions(catalog_->Get<CollectionRecord>("c@1").status(), "c@3"));
}

TEST_F(CatalogErasureTest, APreviewNamesHeadsAndChangesNothing) {
  HeadRecord head = Head();
  head.lineage.stream.collection = "c@2";
  ASSERT_TRUE(catalog_->AddHead("h", head, Affine(kTestDim, 3).ToSafetensors()).ok());
  ErasureTarget target = five_;
  target.preview = true;
  const ErasureStep step = Erase(target).value();
  EXPECT_FALSE(step.applied);
  EXPECT_EQ(std::ranges::count(Names(step), "head h@1"), 1);
  EXPECT_EQ(Keys("c@1").size(), 10u);
  EXPECT_EQ(Read(rows_[5]), Code::kOk);
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_TRUE(catalog_->Get<HeadRecord>("h@1").ok()) << "heads stay";
}

TEST_F(CatalogErasureTest, TakesViewsOfTheImageInEverySpace) {
  std::vector<RowId> views(3);
  ASSERT_TRUE(store_
                  ->AppendRows(space_, TestImages(1000, 3), TestEmbeddings(3, kTestDim, 2).view(),
                               views, {},
                               std::vector<ContentHash>{TestImage(5), TestImage(6), TestImage(5)})
                  .ok());
  const SpaceId other = store_->OpenSpace(Digest{{2}}, kTestDim).value();
  const RowId there =
      AppendOk(store_.get(), other, TestImages(4, 3), TestEmbeddings(3, kTestDim, 3))[1];
  const ErasureStep step = Erase({"", "", "", TestImage(5).Hex(), false}).value();
  EXPECT_EQ(step.views, 2u);
  EXPECT_EQ(step.rows, 2u);
  EXPECT_EQ(Read(views[0]), Code::kNotFound);
  EXPECT_EQ(Read(views[1]), Code::kOk);
  EXPECT_EQ(Read(views[2]), Code::kNotFound);
  Matrix out(1, kTestDim);
  EXPECT_EQ(store_->ReadRows(other, {&there, 1}, out.view()).code(), Code::kNotFound);
  ExpectSound();
  EXPECT_EQ(Erase({"", "", "", TestImage(5).Hex(), false}).status().code(), Code::kNotFound)
      << "all is gone";
}

TEST_F(CatalogErasureTest, IsRefusedWhileADraftHasTheImage) {
  const uint32_t draft = catalog_->BeginDraft(Request("new"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(5, 1)).ok());
  const Status refused = Erase(five_).status();
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, "'new' is being written")) << refused.message();
  EXPECT_EQ(Keys("c@1").size(), 10u);
  ASSERT_TRUE(catalog_->AbortDraft(draft).ok());
  EXPECT_TRUE(Erase(five_).ok());
}

TEST_F(CatalogErasureTest, ADraftThatAddsToAnErasedVersionIsRefused) {
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(50, 1)).ok());
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_EQ(Finish(draft, 1).status().code(), Code::kFailedPrecondition);
  ExpectSound();
}

TEST_F(CatalogErasureTest, SaysWhatItDoesNotFind) {
  const Status key = Erase({"c", "", "nowhere", "", false}).status();
  EXPECT_EQ(key.code(), Code::kNotFound);
  EXPECT_TRUE(Mentions(key, "no sample 'nowhere'")) << key.message();
  EXPECT_EQ(Erase({"x", "", "5", "", false}).status().code(), Code::kNotFound);
  EXPECT_EQ(Erase({"", "", "", "12", false}).status().code(), Code::kInvalidArgument);
  SampleChunk twice = Samples(7, 1, "test");
  twice.keys = {"5"};
  CommitOk("c", twice);
  const Status split = Erase({"c", "", "5", "", false}).status();
  EXPECT_EQ(split.code(), Code::kInvalidArgument);
  EXPECT_TRUE(Mentions(split, "name the split")) << split.message();
  uint64_t run = 77;
  EXPECT_EQ(catalog_->EraseSample(&run, five_).status().code(), Code::kFailedPrecondition);
}

TEST_F(CatalogErasureTest, ReplacesOlderVersionsWhenTheLatestHasNothingElse) {
  DraftSpec request = Request("c");
  request.start_empty = true;
  ASSERT_TRUE(Commit(request, {Samples(5, 1)}).ok());
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_EQ(catalog_->Get<CollectionRecord>("c")->version, 4u);
  EXPECT_EQ(Keys("c").size(), 19u) << "those of c@2, the newest that has others";
  EXPECT_TRUE(Mentions(catalog_->Get<CollectionRecord>("c@3").status(), "c@4"));
}

TEST_F(CatalogErasureTest, ErasesVersionsThatHaveAViewOfTheImage) {
  RowId view = kNoRow;
  const ContentHash hash = TestImage(1000);
  const ContentHash source = TestImage(5);
  ASSERT_TRUE(store_
                  ->AppendRows(space_, {&hash, 1}, TestEmbeddings(1, kTestDim, 2).view(),
                               {&view, 1}, {}, {&source, 1})
                  .ok());
  SampleChunk samples = Samples(200, 2);
  samples.images[0] = hash;
  CommitOk("seen", samples);
  const ErasureStep step = Erase(five_).value();
  const std::vector<std::string> names = Names(step);
  EXPECT_EQ(std::ranges::count(names, "collection seen@1"), 1);
  EXPECT_EQ(Keys("seen"), std::vector<std::string>{"201"});
  ExpectSound();
}

TEST_F(CatalogErasureTest, ErasesARowThatAVersionStillNamesAfterTheImageWasStoredAgain) {
  const StoredImage lost{TestImage(5), rows_[5], {}, false};
  ASSERT_TRUE(store_->ForgetImages(space_, {&lost, 1}).ok());
  const RowId again =
      AppendOk(store_.get(), space_, TestImages(5, 1), TestEmbeddings(1, kTestDim, 7))[0];
  ASSERT_NE(again, rows_[5]);
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  EXPECT_EQ(Read(again), Code::kNotFound);
}

TEST_F(CatalogErasureTest, TakesNoViewOfAnImageWhileItIsBeingErased) {
  Reopen(std::chrono::milliseconds(0));
  uint64_t run = 0;
  ASSERT_FALSE(catalog_->EraseSample(&run, {"", "", "", TestImage(5).Hex(), false})->phase.empty());
  const std::vector<ContentHash> view = {TestImage(1000)};
  const std::vector<ContentHash> source = {TestImage(5)};
  std::vector<RowId> row(1);
  const Matrix values = TestEmbeddings(1, kTestDim, 2);
  const Status refused = catalog_->AppendRows(space_, {view, values.view(), {}, source}, row);
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Mentions(refused, "being erased")) << refused.message();
  EXPECT_TRUE(catalog_->AppendRows(space_, {view, values.view(), {}, {}}, row).ok());
}

TEST_F(CatalogErasureTest, AnswersItsLastStepAgain) {
  uint64_t run = 0;
  ErasureStep last;
  do {
    last = catalog_->EraseSample(&run, five_).value();
  } while (!last.phase.empty());
  const auto again = catalog_->EraseSample(&run, five_);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_TRUE(again->applied);
  EXPECT_EQ(again->records, last.records);
}

// On a store in a folder.
class ErasureOnDiskTest : public CatalogErasureTest {
 protected:
  void SetUp() override {
    store_ = OpenRocksDbStore(path_, {}).value();
    Reopen();
    space_ = store_->OpenSpace(backbone_, kTestDim).value();
    rows_ = AppendOk(store_.get(), space_, TestImages(0, 300), embeddings_);
    Fill();
  }
  void TearDown() override { catalog_.reset(); }
  // Whether any file of the store has the bytes of a row.
  bool IsOnDisk(size_t row) {
    const auto values = embeddings_.view().row(row);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    for (const auto& file : std::filesystem::recursive_directory_iterator(path_)) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(in), {}};
      if (content.find(bytes) != std::string::npos) return true;
    }
    return false;
  }

  // Changes the bytes of a row in the file that has them.
  void DamageValuesOf(const Matrix& embeddings, size_t row) {
    const auto values = embeddings.view().row(row);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    for (const auto& file : std::filesystem::recursive_directory_iterator(path_)) {
      if (!file.is_regular_file() || file.path().extension() != ".sst") continue;
      std::ifstream in(file.path(), std::ios::binary);
      std::string content{std::istreambuf_iterator<char>(in), {}};
      const size_t at = content.find(bytes);
      if (at == std::string::npos) continue;
      content[at] = static_cast<char>(content[at] ^ 1);
      std::ofstream(file.path(), std::ios::binary | std::ios::trunc) << content;
      return;
    }
    FAIL() << "no table has the row";
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
  Matrix embeddings_ = TestEmbeddings(300, kTestDim, 1);
};

TEST_F(ErasureOnDiskTest, LeavesTheValuesInNoFile) {
  Matrix out(1, kTestDim);
  ASSERT_TRUE(store_->ReadRows(space_, {&rows_[6], 1}, out.view()).ok()) << "so that it is cached";
  ASSERT_TRUE(IsOnDisk(5));
  ASSERT_TRUE(Erase(five_).ok());
  EXPECT_FALSE(IsOnDisk(5));
  EXPECT_TRUE(IsOnDisk(4));
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  for (const size_t row : {0, 4, 6, 255, 299}) {
    ASSERT_TRUE(store_->ReadRows(space_, {&rows_[row], 1}, out.view()).ok());
    ExpectSameRow(out, 0, embeddings_, row);
  }
  ExpectSound();
  ASSERT_TRUE(Erase({"c", "", "7", "", false}).ok()) << "a second one of the segment";
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  EXPECT_EQ(Read(rows_[7]), Code::kNotFound);
  catalog_.reset();
  store_.reset();
  store_ = OpenRocksDbStore(path_, {}).value();
  Reopen();
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  EXPECT_EQ(Read(rows_[6]), Code::kOk);
  ExpectSound();
  const std::vector<RowId> again =
      AppendOk(store_.get(), space_, TestImages(5, 1), TestEmbeddings(1, kTestDim, 9));
  EXPECT_NE(again[0], rows_[5]) << "an image that comes again is stored anew";
}

TEST_F(ErasureOnDiskTest, IsFoundAgainWhenItWasCutOffBeforeTheFilesWereRewritten) {
  catalog_.reset();
  store_.reset();
  store_ = OpenRocksDbStore(path_, {}).value();  // so that it is in a table
  Reopen();
  const StoredImage five{TestImage(5), rows_[5], {}, false};
  ASSERT_TRUE(store_->EraseImages(space_, {&five, 1}).ok());
  RowId row = rows_[5];
  ASSERT_TRUE(store_->FindImages(space_, {&five.image, 1}, {&row, 1}).ok());
  EXPECT_EQ(row, kNoRow) << "nobody comes to name it";
  EXPECT_TRUE(IsOnDisk(5));
  const std::vector<std::string> problems = VerifyAll(catalog_.get());
  EXPECT_FALSE(problems.empty()) << "versions name the row";
  ASSERT_TRUE(Erase({"", "", "", TestImage(5).Hex(), false}).ok());
  EXPECT_FALSE(IsOnDisk(5));
  ExpectSound();
  EXPECT_EQ(Erase({"", "", "", TestImage(5).Hex(), false}).status().code(), Code::kNotFound);
}

TEST_F(ErasureOnDiskTest, TakesWritesAfterADamagedFileKeptItFromTheEnd) {
  // In the table that has the image's segment, but in another segment: only a compaction meets it.
  AppendOk(store_.get(), space_, TestImages(5000, 3000), TestEmbeddings(3000, kTestDim, 3));
  catalog_.reset();
  store_.reset();
  DamageValuesOf(TestEmbeddings(3000, kTestDim, 3), 2900);
  store_ = OpenRocksDbStore(path_, {}).value();
  Reopen();
  const Status erased = Erase(five_).status();
  EXPECT_EQ(erased.code(), Code::kDataLoss) << erased.ToString();
  EXPECT_EQ(Read(rows_[5]), Code::kNotFound);
  CommitOk("e", Samples(110, 1));
}

}  // namespace
}  // namespace augstore
