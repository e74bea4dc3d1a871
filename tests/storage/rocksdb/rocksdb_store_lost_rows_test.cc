// Rows of a damaged segment: found, forgotten, and refilled by storing their images again.
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "schemas/base/limits.h"
#include "storage/catalog/catalog.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/catalog/catalog_fixture.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

// The default file system. The next read of a file waits for `meanwhile`, which is run once.
class WaitingFiles final : public rocksdb::FileSystemWrapper {
 public:
  WaitingFiles() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "WaitingFiles"; }

  std::function<void()> meanwhile;

  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override {
    const rocksdb::IOStatus opened = target()->NewRandomAccessFile(name, options, file, debug);
    if (opened.ok()) *file = std::make_unique<File>(std::move(*file), this);
    return opened;
  }

 private:
  class File final : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSRandomAccessFile> file, WaitingFiles* files)
        : rocksdb::FSRandomAccessFileOwnerWrapper(std::move(file)), files_(files) {}
    rocksdb::IOStatus Read(uint64_t offset, size_t bytes, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* debug) const override {
      // Others read files in it.
      if (const auto work = std::exchange(files_->meanwhile, nullptr)) std::jthread{work};
      return target()->Read(offset, bytes, options, result, scratch, debug);
    }

   private:
    WaitingFiles* files_;
  };
};

// The fixture's collection on a store in a folder.
class LostRowsTest : public CatalogFixture {
 protected:
  static constexpr size_t kImages = 2 * kSegmentRows + 10;

  void SetUp() override {
    OpenStore();
    space_ = store_->OpenSpace(backbone_, kTestDim).value();
    rows_ = Append();
    CommitOk("c", Samples(0, kImages));
  }
  void OpenStore() {
    catalog_.reset();
    store_.reset();
    store_ = RocksDbStore::Open(path_, {}, env_.get()).value();
    Reopen();
  }
  void TearDown() override {  // before its files
    catalog_.reset();
    store_.reset();
  }
  std::vector<RowId> Append() {
    return AppendOk(store_.get(), space_, TestImages(0, kImages), embeddings_);
  }
  // Flips a byte in the middle of segment 1, in whichever file has it.
  void DamageSegmentOne() {
    catalog_.reset();
    store_.reset();
    const auto row = std::as_const(embeddings_).row(kSegmentRows + 100);
    const std::string wanted(reinterpret_cast<const char*>(row.data()), row.size_bytes());
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().extension() != ".sst") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::string bytes((std::istreambuf_iterator<char>(in)), {});
      const size_t at = bytes.find(wanted);
      if (at == std::string::npos) continue;
      bytes[at + 3] = static_cast<char>(bytes[at + 3] ^ 1);
      std::ofstream(entry.path(), std::ios::binary) << bytes;
    }
    OpenStore();
  }
  RepairRowsStep RepairAll(bool apply) {
    RepairRowsStep all;
    do {
      const RepairRowsStep step = store_->RepairRows(all.cursor, apply).value();
      all.cursor = step.cursor;
      all.images += step.images;
      all.problems.insert(all.problems.end(), step.problems.begin(), step.problems.end());
    } while (!all.cursor.empty());
    return all;
  }
  std::string Problems() {
    std::string joined;
    for (const std::string& problem : VerifyAll(catalog_.get())) joined += problem + "\n";
    return joined;
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
  WaitingFiles* files_ = new WaitingFiles;
  std::unique_ptr<rocksdb::Env> env_ =
      rocksdb::NewCompositeEnv(std::shared_ptr<rocksdb::FileSystem>(files_));
  Matrix embeddings_ = TestEmbeddings(kImages, kTestDim, 1);
};

TEST_F(LostRowsTest, FindsNothingInASoundStore) {
  const RepairRowsStep all = RepairAll(true);
  EXPECT_EQ(all.images, 0u);
  EXPECT_TRUE(all.problems.empty());
  EXPECT_EQ(Append(), rows_);
}

TEST_F(LostRowsTest, StoringTheImagesAgainRefillsADamagedSegment) {
  DamageSegmentOne();
  EXPECT_NE(Problems().find("collection 'c@1': segment 1 of space 1"), std::string::npos);
  EXPECT_EQ(Append(), rows_) << "the index still has the damaged rows";

  const RepairRowsStep found = RepairAll(false);
  EXPECT_EQ(found.images, kSegmentRows);
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_NE(found.problems[0].find("segment 1 of space 1"), std::string::npos);
  EXPECT_EQ(RepairAll(false).images, kSegmentRows) << "nothing was changed";
  EXPECT_EQ(RepairAll(true).images, kSegmentRows);
  EXPECT_EQ(RepairAll(true).images, 0u);

  std::vector<RowId> known(kImages);
  ASSERT_TRUE(store_->FindImages(space_, TestImages(0, kImages), known).ok());
  EXPECT_EQ(std::ranges::count(known, kNoRow), kSegmentRows);
  const std::vector<RowId> again = Append();
  EXPECT_EQ(again[0], rows_[0]);
  EXPECT_NE(again[kSegmentRows], rows_[kSegmentRows]);
  Matrix out(kImages, kTestDim);
  ASSERT_TRUE(store_->ReadRows(space_, again, out.view()).ok());
  for (size_t i = 0; i < kImages; ++i) ExpectSameRow(out, i, embeddings_, i);

  // The same samples at other rows are a version of the same content.
  const uint32_t draft = catalog_->BeginDraft(Request("c"))->draft;
  ASSERT_TRUE(catalog_->AppendSamples(draft, Samples(0, kImages)).ok());
  const DraftChanges changes = Compare(draft).value();
  EXPECT_EQ(changes.refilled, kSegmentRows);
  EXPECT_EQ(changes.left, kImages - kSegmentRows);
  EXPECT_EQ(changes.replaced, 0u);
  const auto made = Finish(draft, kImages).value();
  EXPECT_EQ(made.ref(), "c@2");
  EXPECT_EQ(made.record.digest, catalog_->Get<CollectionRecord>("c@1")->record.digest);
  EXPECT_EQ(catalog_->GetSamples(made.record, 0, kImages)->rows, again);
  const std::string problems = Problems();
  EXPECT_NE(problems.find("'c@1'"), std::string::npos);
  EXPECT_EQ(problems.find("'c@2'"), std::string::npos) << problems;
  EXPECT_EQ(CommitOk("c", Samples(0, kImages)).version, 2u) << "nothing changes any more";
}

TEST_F(LostRowsTest, AVersionThatStartsEmptyPointsAtTheGoodRowsToo) {
  DamageSegmentOne();
  RepairAll(true);
  Append();
  DraftSpec request = Request("c");
  request.start_empty = true;
  EXPECT_EQ(Commit(request, {Samples(0, kImages)})->version, 2u);
  EXPECT_EQ(Commit(request, {Samples(0, kImages)})->version, 2u);
}

TEST_F(LostRowsTest, ForgetsNoImageThatIsStoredAgainWhileItLooks) {
  DamageSegmentOne();
  std::vector<RowId> again;
  files_->meanwhile = [&] {
    EXPECT_EQ(RepairAll(true).images, kSegmentRows) << "of another repair";
    again = Append();
  };
  EXPECT_EQ(store_->RepairRows("images ", true)->images, 0u);
  ASSERT_EQ(again.size(), kImages) << "it was in between";
  std::vector<RowId> known(kImages);
  ASSERT_TRUE(store_->FindImages(space_, TestImages(0, kImages), known).ok());
  EXPECT_EQ(known, again);
}

TEST_F(LostRowsTest, ChecksRowsWithAndWithoutAVerifyBefore) {
  EXPECT_TRUE(store_->CheckRows(space_, rows_).ok());
  const RowId beyond = rows_.back() + 1;
  EXPECT_EQ(store_->CheckRows(space_, {&beyond, 1}).code(), Code::kNotFound);
  const RowId far = 100 * kSegmentRows;
  EXPECT_EQ(store_->CheckRows(space_, {&far, 1}).code(), Code::kNotFound);
  DamageSegmentOne();
  EXPECT_EQ(store_->CheckRows(space_, rows_).code(), Code::kDataLoss);
  EXPECT_TRUE(store_->CheckRows(space_, std::span(rows_).first(kSegmentRows)).ok());
  EXPECT_FALSE(VerifyAll(store_.get()).empty());
  EXPECT_EQ(store_->CheckRows(space_, rows_).code(), Code::kDataLoss);
  EXPECT_EQ(store_->RepairRows("images x", true).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
