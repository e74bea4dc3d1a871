#include "storage/backup/rocksdb_backup.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "storage/backup/backup_folder.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store/memory_store.h"
#include "tests/storage/backup/backup_fixture.h"
#include "tests/storage/rocksdb/faulty_files.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMaxBytes = 64u << 20;

TEST_F(BackupTest, HoldsWhatTheStoreHadAndOpensInPlace) {
  FillStore();
  const auto made = Backup();
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->id, 1u);
  EXPECT_EQ(made->store_id, store_->Stats()->id);
  EXPECT_EQ(made->CountOf(RecordKind::kBackbone), 1u);
  EXPECT_EQ(made->CountOf(RecordKind::kCollection), 1u);
  EXPECT_EQ(made->CountOf(RecordKind::kTransform), 3u);
  EXPECT_EQ(made->versions, ListVersions(*store_).value());
  EXPECT_GT(made->copied_bytes, kTestSamples * kTestDim * sizeof(float));
  ASSERT_TRUE(AddMore(2).ok());  // afterwards
  const auto entries = ListBackups(backups_);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->at(0).description, *made);
  EXPECT_TRUE(Verify(1).ok()) << Verify(1).ToString();
  const auto copy = OpenBackup(backups_, 1);
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  EXPECT_EQ(ListVersions(**copy).value(), made->versions);
  EXPECT_EQ(ProblemsOf(**copy), std::vector<std::string>());
  EXPECT_EQ((*copy)->AddRecord(RecordKind::kHead, "h", "x", "").status().code(),
            Code::kFailedPrecondition);
}

TEST_F(BackupTest, CopiesOnlyWhatNoEarlierBackupHas) {
  FillStore();
  const uint64_t first = Backup()->copied_bytes;
  ASSERT_TRUE(AddMore(2).ok());
  const auto second = Backup();
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(second->id, 2u);
  EXPECT_LT(second->copied_bytes, first / 2);
  EXPECT_GT(second->bytes, first);
}

TEST_F(BackupTest, IsOfOneMomentWhileOthersWrite) {
  FillStore();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 1; !done; ++i) ASSERT_TRUE(AddMore(static_cast<float>(i)).ok());
  });
  for (uint32_t id = 1; id <= 5; ++id) {
    const auto made = Backup();
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    const auto copy = OpenBackup(backups_, id);
    EXPECT_TRUE(copy.ok()) << copy.status().ToString();
    if (!copy.ok()) continue;
    EXPECT_EQ(ListVersions(**copy).value(), made->versions);
    EXPECT_EQ(ProblemsOf(**copy), std::vector<std::string>());
    uint32_t version = 0;
    for (const BackupVersion& item : made->versions) {
      if (item.key.name != "more") continue;
      EXPECT_EQ(item.key.version, ++version) << "none is left out";
    }
  }
  done = true;
  writer.join();
}

TEST_F(BackupTest, FindsDamageInEveryFile) {
  FillStore();
  ASSERT_TRUE(Backup().ok());
  size_t files = 0;
  for (const fs::path& file : FilesOfBackups()) {
    const std::string bytes = ReadFile(file, kMaxBytes).value();
    std::vector<std::string> damages = {bytes + "x"};
    if (!bytes.empty()) {
      damages.push_back(bytes.substr(0, bytes.size() / 2));
      for (const size_t at : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
        damages.push_back(bytes);
        damages.back()[at] = static_cast<char>(damages.back()[at] ^ 1);
      }
    }
    for (const std::string& damaged : damages) {
      std::ofstream(file, std::ios::binary) << damaged;
      EXPECT_EQ(Verify(1).code(), Code::kDataLoss) << file << ": " << Verify(1).ToString();
    }
    fs::remove(file);
    EXPECT_FALSE(Verify(1).ok()) << file;
    std::ofstream(file, std::ios::binary) << bytes;
    EXPECT_TRUE(Verify(1).ok()) << file << ": " << Verify(1).ToString();
    ++files;
  }
  EXPECT_GT(files, 8u);
}

TEST_F(BackupTest, RefusesFilesThatLeadOutOfItsFolder) {
  FillStore();
  const auto made = Backup();
  ASSERT_TRUE(made.ok());
  const std::string secret = folder_.Write("secret", "not for you");
  for (const char* place :
       {"shared_checksum/000099.sst", "private/1/LINK", "meta/7", "described/7.json"}) {
    const fs::path link = fs::path(backups_) / place;
    fs::create_symlink(secret, link);
    EXPECT_EQ(Verify(1).code(), Code::kFailedPrecondition) << place;
    EXPECT_EQ(OpenBackup(backups_, 1).status().code(), Code::kFailedPrecondition) << place;
    fs::remove(link);
    ASSERT_EQ(::mkfifo(link.c_str(), 0600), 0);
    EXPECT_EQ(Verify(1).code(), Code::kFailedPrecondition) << place;
    fs::remove(link);
  }
  // The folders and files at its root, each moved elsewhere and linked to.
  for (const char* name :
       {"shared_checksum", "private", "meta", "described", "BACKUPS", "shared"}) {
    const fs::path place = fs::path(backups_) / name;
    const fs::path elsewhere = folder_.path() + "/elsewhere";
    if (fs::exists(place)) {
      fs::rename(place, elsewhere);
    } else {
      fs::create_directory(elsewhere);
    }
    fs::create_symlink(elsewhere, place);
    EXPECT_EQ(Verify(1).code(), Code::kFailedPrecondition) << name << Verify(1).ToString();
    EXPECT_EQ(RestoreTo(folder_.path() + "/new").code(), Code::kFailedPrecondition) << name;
    EXPECT_EQ(Backup().status().code(), Code::kFailedPrecondition) << name;
    fs::remove(place);
    fs::rename(elsewhere, place);
  }
  fs::create_symlink(secret, backups_ + "/LATEST_BACKUP");
  EXPECT_EQ(Verify(1).code(), Code::kFailedPrecondition);
  fs::remove(backups_ + "/LATEST_BACKUP");
  EXPECT_TRUE(Verify(1).ok()) << Verify(1).ToString();
  // A list of files that names others, with a description that agrees with it.
  const std::string list = backups_ + "/meta/1";
  const std::string bytes = ReadFile(list, kMaxBytes).value();
  for (const char* name : {"private/1/../../../secret/CURRENT", "/etc/CURRENT", "../store/CURRENT",
                           "shared_checksum/../../store/000012.sst", "private/2/CURRENT"}) {
    std::string hostile = bytes;
    hostile.replace(hostile.find("private/1/CURRENT"), 17, name);
    std::ofstream(list, std::ios::binary) << hostile;
    BackupDescription description = *made;
    description.file_list =
        Sha256({reinterpret_cast<const uint8_t*>(hostile.data()), hostile.size()});
    std::ofstream(backups_ + "/described/1.json") << EncodeDescription(description);
    EXPECT_EQ(Verify(1).code(), Code::kDataLoss) << name << ": " << Verify(1).ToString();
    EXPECT_EQ(RestoreTo(folder_.path() + "/new").code(), Code::kDataLoss) << name;
  }
}

TEST_F(BackupTest, GoesToAFolderOfItsOwn) {
  FillStore();
  folder_.Write("full/photo.png", "x");
  CopyProgress progress;
  const auto code = [&](Store* store, const std::string& to) {
    return CreateBackup(store, {to, 0}, &progress).status().code();
  };
  EXPECT_EQ(code(store_.get(), folder_.path() + "/full"), Code::kFailedPrecondition);
  EXPECT_EQ(code(store_.get(), path_), Code::kInvalidArgument);
  EXPECT_EQ(code(store_.get(), path_ + "/../store/backups"), Code::kInvalidArgument);
  EXPECT_EQ(code(NewMemoryStore().get(), backups_), Code::kFailedPrecondition);
  EXPECT_EQ(ListBackups(backups_).status().code(), Code::kNotFound);
  ASSERT_TRUE(Backup().ok());
  EXPECT_EQ(fs::status(backups_).permissions(), fs::perms::owner_all);
  const auto other =
      OpenRocksDbStore(folder_.path() + "/other", {.access = StoreAccess::kCreate}).value();
  EXPECT_EQ(code(other.get(), backups_), Code::kFailedPrecondition) << "another store's backups";
  CloseStore();
  OpenStore(StoreAccess::kRead);
  EXPECT_EQ(Backup().status().code(), Code::kFailedPrecondition);
}

TEST_F(BackupTest, LeavesNothingWhenItIsStopped) {
  FillStore();
  CopyProgress progress;
  progress.stop = true;
  const auto stopped = CreateBackup(store_.get(), {backups_, 0}, &progress);
  EXPECT_EQ(stopped.status().code(), Code::kUnavailable) << stopped.status().ToString();
  EXPECT_TRUE(WholeBackups().empty());
  EXPECT_TRUE(fs::is_empty(backups_ + "/shared_checksum"));
  EXPECT_TRUE(fs::is_empty(backups_ + "/private"));
  EXPECT_TRUE(Backup().ok());
}

// With the calls of RocksDB to the file system, those for the store's own files included.
TEST_F(BackupTest, IsWholeOrAbsentWhicheverCallFails) {
  const auto files = std::make_shared<FaultyFiles>();
  const auto env = FaultyEnv(files);
  using Call = FaultyFiles::Call;
  FillStore();
  int scale = 1;
  for (const Call call :
       {Call::kAppend, Call::kSync, Call::kRename, Call::kOpen, Call::kFolderSync}) {
    bool untouched = false;
    for (uint64_t number = 1; !untouched; number += 1 + number / 2) {
      CloseStore();
      store_ = RocksDbStore::Open(path_, {}, env.get()).value();
      catalog_ = Catalog::Open(store_.get()).value();
      ASSERT_TRUE(AddMore(static_cast<float>(++scale)).ok());
      const std::vector<uint32_t> before = WholeBackups();
      files->FailAt(call, number, /*forever=*/true);
      const auto made = Backup();
      untouched = files->calls() < number;
      files->FailAt(call, 0, false);
      EXPECT_TRUE(!untouched || made.ok()) << made.status().ToString();
      EXPECT_TRUE(made.ok() || made.status().code() == Code::kUnavailable)
          << made.status().ToString();
      std::vector<uint32_t> after = before;
      if (made.ok()) after.push_back(made->id);
      EXPECT_EQ(WholeBackups(), after) << number;
    }
    ASSERT_FALSE(WholeBackups().empty());
    for (const uint32_t id : WholeBackups()) EXPECT_TRUE(Verify(id).ok()) << Verify(id).ToString();
  }
  EXPECT_GE(WholeBackups().size(), 5u) << "the last of each kind";
  CloseStore();  // before its files
}

TEST_F(BackupTest, CountsOnlyWhenItIsCompleteAfterKillMinusNine) {
  FillStore();
  CloseStore();
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    RunAndKill(std::chrono::microseconds(1000 + random() % 60'000), [&] {
      OpenStore(StoreAccess::kWrite);
      (void)AddMore(static_cast<float>(round + 1));
      (void)Backup();
    });
    for (const uint32_t id : WholeBackups()) {
      EXPECT_TRUE(Verify(id).ok()) << "seed " << seed << ": " << Verify(id).ToString();
    }
  }
  OpenStore(StoreAccess::kWrite);
  const auto made = Backup();
  ASSERT_TRUE(made.ok()) << "seed " << seed << ": " << made.status().ToString();
  // What interrupted ones left is gone: every private folder is of a backup that counts.
  size_t folders = 0;
  for (const auto& entry : fs::directory_iterator(backups_ + "/private")) {
    folders += entry.is_directory() ? 1 : 0;
  }
  EXPECT_EQ(folders, WholeBackups().size()) << "seed " << seed;
}

TEST_F(BackupTest, IsMadeByOneProcessAtATime) {
  FillStore();
  ASSERT_TRUE(Backup().ok());
  const auto adding = BackupFolder::OpenToAdd(backups_, store_->Stats()->id);
  ASSERT_TRUE(adding.ok());
  EXPECT_EQ(Backup().status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Verify(1).ok()) << "reading goes on";
  EXPECT_EQ(PruneBackups(backups_, {1, {}}, true).status().code(), Code::kFailedPrecondition);
}

// The folder is new in each round, and goes when its user is done.
TEST_F(BackupTest, IsMadeByOneOfManyWhoBeginInANewFolder) {
  const std::string id(32, 'a');
  std::atomic<int> users = 0;
  std::atomic<int> rounds = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      while (rounds < 100) {
        const auto adding = BackupFolder::OpenToAdd(backups_, id);
        if (!adding.ok()) continue;
        EXPECT_EQ(++users, 1);
        std::this_thread::yield();
        --users;
        ++rounds;
        std::error_code error;
        fs::remove_all(backups_, error);
      }
    });
  }
}

TEST_F(BackupTest, PrunesWhatTheRuleDoesNotKeepAndNeverTheNewestThatIsWhole) {
  FillStore();
  int64_t created = 0;
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(AddMore(static_cast<float>(i)).ok());
    const auto made = Backup();
    ASSERT_TRUE(made.ok());
    created = made->created_unix_s;
  }
  const auto plan = PruneBackups(backups_, {2, {}}, /*apply=*/false);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_EQ(plan->removed, (std::vector<uint32_t>{1, 2}));
  EXPECT_GT(plan->freed_bytes, 0u);
  EXPECT_EQ(WholeBackups().size(), 4u) << "a plan changes nothing";
  EXPECT_TRUE(PruneBackups(backups_, {0, created - 1000}, false)->removed.empty())
      << "all are young";
  const auto bytes = [&] {
    uint64_t sum = 0;
    for (const fs::path& file : FilesOfBackups()) sum += fs::file_size(file);
    return sum;
  };
  const uint64_t before = bytes();
  ASSERT_TRUE(PruneBackups(backups_, {2, {}}, true).ok());
  EXPECT_EQ(WholeBackups(), (std::vector<uint32_t>{3, 4}));
  EXPECT_GE(before - bytes(), plan->freed_bytes);
  EXPECT_EQ(PruneBackups(backups_, {0, created + 1000}, true)->kept, (std::vector<uint32_t>{4}));
  EXPECT_TRUE(Verify(4).ok()) << Verify(4).ToString();
  EXPECT_EQ(Backup()->id, 5u);
}

TEST_F(BackupTest, PrunesDamagedBackupsOnceANewerOneIsWhole) {
  FillStore();
  ASSERT_TRUE(Backup().ok());
  ASSERT_TRUE(AddMore(2).ok());
  ASSERT_TRUE(Backup().ok());
  std::ofstream(backups_ + "/meta/2") << "rubbish";
  EXPECT_EQ(WholeBackups(), (std::vector<uint32_t>{1}));
  EXPECT_EQ(PruneBackups(backups_, {1, {}}, true).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(Verify(1).ok());
  const auto third = Backup();
  ASSERT_TRUE(third.ok()) << third.status().ToString();
  EXPECT_EQ(PruneBackups(backups_, {2, {}}, true)->removed, (std::vector<uint32_t>{2}));
  EXPECT_EQ(WholeBackups(), (std::vector<uint32_t>{1, 3}));
  EXPECT_TRUE(Verify(1).ok() && Verify(3).ok());
}

}  // namespace
}  // namespace augstore
