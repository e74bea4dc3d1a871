#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "storage/backup/rocksdb_backup_list.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/ask.h"
#include "tests/support/eventually.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

// A rate at which the store takes a minute, and one at which it takes no time.
constexpr uint64_t kSlowly = 2'000;
constexpr uint64_t kAtOnce = 0;

class ServiceBackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = OpenRocksDbStore(folder_.path() + "/store", {.access = StoreAccess::kCreate}).value();
    catalog_ = Catalog::Open(store_.get()).value();
    ASSERT_TRUE(FillCatalog(*catalog_).ok());
    OpenService();
  }
  void OpenService() {
    service_ = std::make_unique<Service>(
        catalog_.get(), ServiceOptions{.address = "test", .backup_folder = backups_});
  }
  Result<BackupReply> Start(uint64_t run, const std::string& to, uint64_t rate = kAtOnce) {
    return Ask<BackupReply>(*service_, StartBackupRequest{run, to, rate});
  }
  Result<BackupReply> Get(uint64_t run) {
    return Ask<BackupReply>(*service_, GetBackupRequest{run});
  }
  BackupReply WaitFor(uint64_t run) {
    BackupReply reply;
    EXPECT_TRUE(Eventually([&] {
      auto got = Get(run);
      EXPECT_TRUE(got.ok()) << Text(got);
      if (!got.ok()) return true;
      reply = *std::move(got);
      return !reply.json.empty() || reply.code != 0;
    }));
    return reply;
  }
  void WaitUntilItCopies(uint64_t run) {
    EXPECT_TRUE(Eventually([&] { return Get(run)->copied_bytes > 0; }));
  }

  TempDir folder_;
  std::string backups_ = folder_.path() + "/backups";
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceBackupTest, MakesABackupAndSaysWhatItHolds) {
  const auto started = Start(7, "nightly");
  ASSERT_TRUE(started.ok()) << Text(started);
  const BackupReply done = WaitFor(7);
  EXPECT_EQ(done.code, 0) << done.message;
  EXPECT_GE(done.copied_bytes, done.total_bytes);
  const auto json = nlohmann::json::parse(done.json);
  EXPECT_EQ(json["id"], 1);
  EXPECT_EQ(json["transforms"], 3);
  EXPECT_EQ(Start(7, "nightly")->json, done.json) << "the request was repeated";
  EXPECT_EQ(ListBackups(backups_ + "/nightly")->size(), 1u);
  const auto list = Ask<BackupListReply>(*service_, ListBackupsRequest{"nightly", 0});
  ASSERT_TRUE(list.ok()) << Text(list);
  EXPECT_EQ(nlohmann::json::parse(list->json)["backups"][0]["collections"], 1);
  const auto one = Ask<BackupListReply>(*service_, ListBackupsRequest{"nightly", 1});
  EXPECT_EQ(nlohmann::json::parse(one->json)["versions"].size(), 5u);
  EXPECT_EQ(Ask<BackupListReply>(*service_, ListBackupsRequest{"nightly", 2}).status().code(),
            Code::kNotFound);
}

TEST_F(ServiceBackupTest, WritesNowhereElse) {
  for (const char* name : {"..", ".", "../backups", "/tmp", "a/b", "a b", "-"}) {
    const auto started = Start(1, name);
    EXPECT_TRUE(!started.ok() && started.status().code() == Code::kInvalidArgument) << name;
  }
  backups_.clear();
  OpenService();
  const auto started = Start(1, "");
  EXPECT_EQ(started.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(started.status().message(), HasSubstr("--backup-dir"));
}

TEST_F(ServiceBackupTest, MakesOneAtATimeAndGoesOnServing) {
  ASSERT_TRUE(Start(1, "", kSlowly).ok());
  WaitUntilItCopies(1);
  EXPECT_TRUE(Start(1, "", kSlowly).ok()) << "the request was repeated";
  const auto second = Start(2, "");
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(second.status().message(), HasSubstr("is being made"));
  EXPECT_EQ(Get(2).status().code(), Code::kNotFound);
  EXPECT_TRUE(AskForBatch(*service_, QueryRequest{"toy", {1, 2}, "identity", ""}).ok());
  const Layers layers = ScalingLayers(5, 0);
  EXPECT_TRUE(catalog_->AddTransform("late", TestTransform(layers), layers.ToSafetensors()).ok());
  ASSERT_TRUE(Ask<BackupReply>(*service_, StopBackupRequest{1}).ok());
  const BackupReply stopped = WaitFor(1);
  EXPECT_EQ(Code{stopped.code}, Code::kUnavailable) << stopped.message;
  EXPECT_TRUE(ListBackups(backups_)->empty());
  ASSERT_TRUE(Start(2, "").ok());
  EXPECT_EQ(WaitFor(2).code, 0);
}

TEST_F(ServiceBackupTest, StopsABackupWhenTheServerStops) {
  ASSERT_TRUE(Start(1, "", kSlowly).ok());
  WaitUntilItCopies(1);
  const auto begin = std::chrono::steady_clock::now();
  service_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_TRUE(ListBackups(backups_)->empty());
  OpenService();
  EXPECT_EQ(Get(1).status().code(), Code::kNotFound);
  ASSERT_TRUE(Start(2, "").ok());
  EXPECT_EQ(WaitFor(2).code, 0);
}

TEST_F(ServiceBackupTest, TellsWhyItFailed) {
  folder_.Write("backups/full/photo.png", "x");
  ASSERT_TRUE(Start(1, "full").ok());
  const BackupReply failed = WaitFor(1);
  EXPECT_EQ(Code{failed.code}, Code::kFailedPrecondition);
  EXPECT_THAT(failed.message, HasSubstr("photo.png"));
}

}  // namespace
}  // namespace augstore
