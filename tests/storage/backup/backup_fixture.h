// A store on disk with something in it, and a folder for its backups.
#ifndef AUGSTORE_TESTS_STORAGE_BACKUP_BACKUP_FIXTURE_H_
#define AUGSTORE_TESTS_STORAGE_BACKUP_BACKUP_FIXTURE_H_

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "schemas/base/files.h"
#include "storage/backup/rocksdb_backup.h"
#include "storage/backup/rocksdb_backup_list.h"
#include "storage/backup/rocksdb_restore.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/filled_store.h"
#include "tests/support/temp_dir.h"

namespace augstore {

// What a check of everything in the store finds.
inline std::vector<std::string> ProblemsOf(Store& store) {
  std::vector<std::string> problems;
  auto catalog = Catalog::Open(&store);
  if (!catalog.ok()) return {catalog.status().ToString()};
  std::string cursor;
  do {
    auto step = (*catalog)->Verify(cursor);
    if (!step.ok()) return {step.status().ToString()};
    problems.insert(problems.end(), step->problems.begin(), step->problems.end());
    cursor = step->cursor;
  } while (!cursor.empty());
  return problems;
}

// Runs `work` in a process of its own, which is killed after `life`. True: it had ended before.
inline bool RunAndKill(std::chrono::microseconds life, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  ::usleep(static_cast<useconds_t>(life.count()));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status);
}

class BackupTest : public testing::Test {
 protected:
  void OpenStore(StoreAccess access = StoreAccess::kCreate) {
    store_ = OpenRocksDbStore(path_, {.access = access, .memory_budget_bytes = 1u << 20}).value();
    catalog_ = Catalog::Open(store_.get()).value();
  }
  void CloseStore() {
    catalog_.reset();
    store_.reset();
  }
  void FillStore() {
    OpenStore();
    const Status filled = FillCatalog(*catalog_);
    ASSERT_TRUE(filled.ok()) << filled.ToString();
  }
  // The next version of transform "more".
  Status AddMore(float scale) {
    const Layers layers = ScalingLayers(scale, 0);
    return catalog_->AddTransform("more", TestTransform(layers), layers.ToSafetensors()).status();
  }
  Result<BackupDescription> Backup() {
    CopyProgress progress;
    return CreateBackup(store_.get(), {backups_, 0}, &progress);
  }
  Status Verify(uint32_t id) {
    CopyProgress progress;
    return VerifyBackup(backups_, id, &progress);
  }
  // The numbers of the backups that are whole.
  std::vector<uint32_t> WholeBackups() {
    std::vector<uint32_t> ids;
    const auto entries = ListBackups(backups_);
    if (!entries.ok()) return ids;
    for (const BackupEntry& entry : *entries) {
      if (entry.status.ok()) ids.push_back(entry.id);
    }
    return ids;
  }
  // Backup `id`, or the newest, as a store at `to`, checked and ready.
  Status RestoreTo(const std::string& to, uint32_t id = 0) {
    AUGSTORE_ASSIGN(const auto restore, Restore::Begin(backups_, id, to));
    CopyProgress progress;
    AUGSTORE_TRY(restore->Copy(&progress));
    {
      AUGSTORE_ASSIGN(const auto copy, restore->Open());
      EXPECT_EQ(ProblemsOf(*copy), std::vector<std::string>());
    }
    return restore->Finish();
  }
  std::vector<std::filesystem::path> FilesOfBackups() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(backups_)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
  std::string backups_ = folder_.path() + "/backups";
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_BACKUP_BACKUP_FIXTURE_H_
