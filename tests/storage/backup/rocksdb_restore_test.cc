#include "storage/backup/rocksdb_restore.h"

#include <fstream>
#include <random>

#include "tests/storage/backup/backup_fixture.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

class RestoreTest : public BackupTest {
 protected:
  void SetUp() override {
    FillStore();
    const auto made = Backup();
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    ASSERT_TRUE(AddMore(2).ok());
    ASSERT_TRUE(Backup().ok());
    versions_ = ListVersions(*store_).value();
    id_ = store_->Stats()->id;
    CloseStore();
  }
  Result<std::unique_ptr<Store>> OpenNew(StoreAccess access = StoreAccess::kWrite) {
    return OpenRocksDbStore(new_, {.access = access});
  }

  std::string new_ = folder_.path() + "/new";
  std::vector<BackupVersion> versions_;
  std::string id_;
};

TEST_F(RestoreTest, MakesTheStoreThatItWas) {
  const Status restored = RestoreTo(new_);
  ASSERT_TRUE(restored.ok()) << restored.ToString();
  EXPECT_EQ(fs::status(new_).permissions(), fs::perms::owner_all);
  for (const StoreAccess access : {StoreAccess::kRead, StoreAccess::kWrite}) {
    const auto store = OpenNew(access);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    EXPECT_EQ(ListVersions(**store).value(), versions_);
    EXPECT_EQ((*store)->Stats()->id, id_);
    EXPECT_EQ(ProblemsOf(**store), std::vector<std::string>());
  }
  path_ = new_;
  OpenStore(StoreAccess::kWrite);
  EXPECT_TRUE(AddMore(3).ok());
  CloseStore();
  OpenStore(StoreAccess::kWrite);
  EXPECT_EQ(catalog_->Resolve(RecordKind::kTransform, "more")->version, 2u);
}

TEST_F(RestoreTest, GoesBackToAnOlderBackup) {
  ASSERT_TRUE(RestoreTo(new_, 1).ok());
  EXPECT_EQ(ListVersions(**OpenNew()).value().size(), versions_.size() - 1);
}

TEST_F(RestoreTest, MakesAStoreWhoseBackupsGoOnInTheSameFolder) {
  ASSERT_TRUE(RestoreTo(new_).ok());
  path_ = new_;
  OpenStore(StoreAccess::kWrite);
  ASSERT_TRUE(AddMore(3).ok());
  const auto made = Backup();
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_LT(made->copied_bytes, made->bytes / 2) << "tables that it was restored from are there";
  EXPECT_TRUE(Verify(3).ok());
}

TEST_F(RestoreTest, WritesOverNothing) {
  folder_.Write("full/photo.png", "x");
  EXPECT_EQ(RestoreTo(folder_.path() + "/full").code(), Code::kFailedPrecondition);
  EXPECT_EQ(RestoreTo(path_).code(), Code::kFailedPrecondition);
  EXPECT_EQ(RestoreTo(folder_.path() + "/full/photo.png").code(), Code::kFailedPrecondition);
  fs::create_directory(folder_.path() + "/empty");
  fs::create_directory_symlink(folder_.path() + "/empty", folder_.path() + "/link");
  EXPECT_EQ(RestoreTo(folder_.path() + "/link").code(), Code::kFailedPrecondition);
  EXPECT_TRUE(fs::is_empty(folder_.path() + "/empty"));
  EXPECT_TRUE(RestoreTo(folder_.path() + "/empty").ok());
  EXPECT_TRUE(fs::exists(folder_.path() + "/full/photo.png"));
}

TEST_F(RestoreTest, IsNoStoreUntilItIsFinishedAndSaysHowToGoOn) {
  const auto expect_unfinished = [&] {
    for (const StoreAccess access :
         {StoreAccess::kRead, StoreAccess::kWrite, StoreAccess::kCreate}) {
      const Status opened = OpenNew(access).status();
      EXPECT_EQ(opened.code(), Code::kFailedPrecondition) << opened.ToString();
      EXPECT_NE(opened.message().find("augstore backup restore"), std::string::npos);
    }
  };
  {
    const auto restore = Restore::Begin(backups_, 0, new_);
    ASSERT_TRUE(restore.ok()) << restore.status().ToString();
    expect_unfinished();
    CopyProgress stopped;
    stopped.stop = true;
    EXPECT_EQ((*restore)->Copy(&stopped).code(), Code::kUnavailable);
    expect_unfinished();
    EXPECT_EQ(Restore::Begin(backups_, 0, new_).status().code(), Code::kFailedPrecondition)
        << "two at a time";
  }
  {
    const auto restore = Restore::Begin(backups_, 0, new_);
    CopyProgress progress;
    ASSERT_TRUE((*restore)->Copy(&progress).ok());
    EXPECT_GE(progress.copied_bytes, progress.total_bytes);
    expect_unfinished();
  }
  EXPECT_TRUE(RestoreTo(new_).ok());
  EXPECT_TRUE(OpenNew().ok());
}

TEST_F(RestoreTest, IsWholeOrUnfinishedAfterKillMinusNine) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer cannot follow the threads of a forked process";
#endif
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    const bool ended = RunAndKill(std::chrono::microseconds(random() % 40'000),
                                  [&] { ::_exit(RestoreTo(new_).ok() ? 0 : 1); });
    const auto store = OpenNew();
    if (ended || store.ok()) {
      ASSERT_TRUE(store.ok()) << "seed " << seed << ": " << store.status().ToString();
      EXPECT_EQ(ListVersions(**store).value(), versions_) << "seed " << seed;
      fs::remove_all(new_);
    } else if (store.status().code() != Code::kNotFound) {
      EXPECT_EQ(store.status().code(), Code::kFailedPrecondition)
          << "seed " << seed << ": " << store.status().ToString();
    }
  }
  EXPECT_TRUE(RestoreTo(new_).ok()) << "seed " << seed;
}

TEST_F(RestoreTest, NamesTheDamagedFileAndMakesNoStore) {
  for (const fs::path& file : FilesOfBackups()) {
    if (file.string().find("/meta/") != std::string::npos ||
        file.string().find("/described/") != std::string::npos || file.filename() == "BACKUPS") {
      continue;  // those of the folder itself are checked before anything is copied
    }
    if (file.string().find("/private/1/") != std::string::npos) continue;
    const std::string bytes = ReadFile(file, 64u << 20).value();
    std::string damaged = bytes;
    if (bytes.empty()) continue;
    damaged[bytes.size() / 2] = static_cast<char>(damaged[bytes.size() / 2] ^ 4);
    std::ofstream(file, std::ios::binary) << damaged;
    const Status restored = RestoreTo(new_);
    EXPECT_EQ(restored.code(), Code::kDataLoss) << file << restored.ToString();
    EXPECT_NE(restored.message().find(file.filename().string()), std::string::npos)
        << file << ": " << restored.message();
    EXPECT_FALSE(OpenNew().ok());
    std::ofstream(file, std::ios::binary) << bytes;
  }
}

TEST_F(RestoreTest, SaysThatTheNewestBackupIsDamagedBeforeItTakesAnother) {
  std::ofstream(backups_ + "/meta/2") << "rubbish";
  EXPECT_EQ(RestoreTo(new_).code(), Code::kDataLoss);
  EXPECT_FALSE(fs::exists(new_));
  EXPECT_TRUE(RestoreTo(new_, 1).ok());
  EXPECT_EQ(RestoreTo(folder_.path() + "/x", 7).code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
