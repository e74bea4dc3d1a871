// A store that was killed or closed, and what became of its files.
#ifndef AUGSTORE_TESTS_STORAGE_ROCKSDB_RECOVERY_FIXTURE_H_
#define AUGSTORE_TESTS_STORAGE_ROCKSDB_RECOVERY_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "schemas/base/files.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/temp_dir.h"

namespace augstore {

inline constexpr size_t kRecords = 40;
inline constexpr size_t kMaxFileBytes = 64u << 20;

inline Result<std::unique_ptr<Store>> OpenWith(const std::string& path, StoreAccess access) {
  return OpenRocksDbStore(path, {.access = access, .memory_budget_bytes = 1u << 20});
}

inline std::string RecordBytes(size_t i) {
  return std::string(700 + i * 13, static_cast<char>('a' + i));
}

// Records whose acknowledgement the writer saw.
inline void Fill(const std::string& path, bool is_killed) {
  auto store = OpenWith(path, StoreAccess::kCreate).value();
  for (size_t i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(store->AddRecord(RecordKind::kHead, "h", RecordBytes(i), "").ok());
  }
  if (is_killed) ::_exit(0);  // nothing is closed, as after kill -9
}

inline std::map<std::string, std::string> FilesOf(const std::string& path) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    files[name] = ReadFile(entry.path(), kMaxFileBytes).value();
  }
  return files;
}

class RecoveryTest : public testing::Test {
 protected:
  void MakeKilledStore() {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Fill(path_, /*is_killed=*/true);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    files_ = FilesOf(path_);
  }
  void MakeClosedStore() {
    Fill(path_, /*is_killed=*/false);
    files_ = FilesOf(path_);
  }
  void Restore() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
    for (const auto& [name, bytes] : files_) folder_.Write("store/" + name, bytes);
  }
  // Opening refuses with DataLoss, and changes nothing; or every record is there. Reading may
  // refuse too, where the damage is in a table.
  void ExpectRefusedOrComplete(const std::string& what) {
    const auto before = FilesOf(path_);
    for (const StoreAccess access : {StoreAccess::kRead, StoreAccess::kCreate}) {
      const auto store = OpenWith(path_, access);
      if (!store.ok()) {
        EXPECT_EQ(store.status().code(), Code::kDataLoss) << what << store.status().ToString();
        EXPECT_EQ(FilesOf(path_), before) << what << ": opening changed a file";
        continue;
      }
      for (size_t i = 0; i < kRecords; ++i) {
        const auto read =
            (*store)->ReadRecord({RecordKind::kHead, "h", static_cast<uint32_t>(i + 1)});
        if (read.ok()) {
          EXPECT_EQ(*read, RecordBytes(i)) << what;
        } else {
          EXPECT_EQ(read.status().code(), Code::kDataLoss)
              << what << " record " << i << " " << read.status().ToString();
        }
      }
    }
  }
  std::string LogName() const {
    for (const auto& [name, bytes] : files_) {
      if (name.ends_with(".log") && !bytes.empty()) return name;
    }
    ADD_FAILURE() << "the store has no log";
    return "";
  }

  TempDir folder_;
  std::string path_ = folder_.path() + "/store";
  std::map<std::string, std::string> files_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_ROCKSDB_RECOVERY_FIXTURE_H_
