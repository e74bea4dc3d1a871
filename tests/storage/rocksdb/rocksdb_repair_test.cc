#include "storage/rocksdb/rocksdb_repair.h"

#include <algorithm>

#include "storage/rocksdb/rocksdb_folder.h"
#include "tests/storage/rocksdb/recovery_fixture.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

class RepairTest : public RecoveryTest {
 protected:
  size_t Records() {
    const auto store = OpenWith(path_, StoreAccess::kRead);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    if (!store.ok()) return 0;
    const auto records = (*store)->ListRecords(RecordKind::kHead, "h").value();
    for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].bytes, RecordBytes(i));
    return records.size();
  }
};

TEST_F(RepairTest, LeavesAWholeStoreAsItIs) {
  MakeKilledStore();
  const RepairReport report = RepairStore(path_, /*apply=*/true).value();
  EXPECT_FALSE(report.needed);
  EXPECT_EQ(report.lost(), 0u);
  EXPECT_EQ(FilesOf(path_), files_);
  EXPECT_EQ(RepairStore(folder_.path(), true).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(RepairStore(path_ + "/none", true).status().code(), Code::kNotFound);
}

TEST_F(RepairTest, SaysWhatItWouldKeepAndKeepsThat) {
  MakeKilledStore();
  const std::string log = LogName();
  folder_.Write("store/" + log, files_[log].substr(0, files_[log].size() / 2));
  const auto damaged = FilesOf(path_);
  const RepairReport preview = RepairStore(path_, /*apply=*/false).value();
  EXPECT_TRUE(preview.needed);
  EXPECT_GT(preview.lost(), 0u);
  EXPECT_EQ(FilesOf(path_), damaged);

  const RepairReport report = RepairStore(path_, /*apply=*/true).value();
  EXPECT_EQ(report.kept, preview.kept);
  EXPECT_EQ(report.lost(), preview.lost());
  EXPECT_EQ(ReadFile(report.logs + "/" + log, kMaxFileBytes).value(), damaged.at(log));
  const size_t kept = Records();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, kRecords);
  EXPECT_FALSE(RepairStore(path_, true).value().needed);
  const auto store = OpenWith(path_, StoreAccess::kWrite).value();
  EXPECT_EQ(store->AddRecord(RecordKind::kHead, "h", "next", "").value(), kept + 1);
}

TEST_F(RepairTest, KeepsNothingAfterAGap) {
  MakeKilledStore();
  const std::string log = LogName();
  std::string zeroed = files_[log];
  std::fill_n(zeroed.begin() + static_cast<ptrdiff_t>(zeroed.size() / 3), 4096, '\0');
  folder_.Write("store/" + log, zeroed);
  EXPECT_EQ(OpenWith(path_, StoreAccess::kWrite).status().code(), Code::kDataLoss);
  ASSERT_TRUE(RepairStore(path_, /*apply=*/true).ok());
  const size_t kept = Records();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, kRecords / 2);
}

TEST_F(RepairTest, MakesANewMarkAndKeepsTheStoresId) {
  MakeKilledStore();
  const std::string id = OpenWith(path_, StoreAccess::kRead).value()->Stats().value().id;
  fs::remove(path_ + "/MARK");
  const RepairReport report = RepairStore(path_, /*apply=*/true).value();
  EXPECT_TRUE(report.needed);
  EXPECT_FALSE(report.acknowledged.has_value());
  EXPECT_EQ(Records(), kRecords);
  EXPECT_EQ(OpenWith(path_, StoreAccess::kRead).value()->Stats().value().id, id);
}

TEST_F(RepairTest, ReplacesAMarkOfAnotherStoreByItsOwn) {
  MakeClosedStore();
  OpenWith(folder_.path() + "/other", StoreAccess::kCreate).value();
  fs::copy_file(folder_.path() + "/other/MARK", path_ + "/MARK",
                fs::copy_options::overwrite_existing);
  const auto before = FilesOf(path_);
  for (const StoreAccess access : {StoreAccess::kRead, StoreAccess::kWrite}) {
    EXPECT_EQ(OpenWith(path_, access).status().code(), Code::kDataLoss);
  }
  EXPECT_EQ(FilesOf(path_), before);
  const RepairReport report = RepairStore(path_, /*apply=*/true).value();
  EXPECT_TRUE(report.needed);
  EXPECT_FALSE(report.acknowledged.has_value());
  EXPECT_EQ(Records(), kRecords);
}

TEST_F(RepairTest, RefusesAStoreThatIsInUseOrHasADamagedTable) {
  MakeClosedStore();
  fs::remove(path_ + "/MARK");
  {
    const auto holder = FolderLock::Take(path_);
    EXPECT_EQ(RepairStore(path_, true).status().code(), Code::kFailedPrecondition);
  }
  for (const auto& [name, bytes] : files_) {
    if (name.ends_with(".sst")) fs::remove(path_ + "/" + name);
  }
  EXPECT_EQ(RepairStore(path_, true).status().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace augstore
