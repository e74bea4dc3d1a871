#include "storage/rocksdb/rocksdb_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "schemas/base/files.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

TEST(RocksDbLog, IsKeptInTheStoresFolder) {
  const TempDir folder;
  const std::string path = folder.path() + "/store";
  OpenRocksDbStore(path, {}).value();
  EXPECT_NE(ReadFile(path + "/LOG", 1u << 20).value().find("flush"), std::string::npos);
}

TEST(RocksDbLog, StartsAnewWhenItHasGrownLarge) {
  const TempDir folder;
  const auto log = std::make_shared<RocksDbLog>(folder.path());
  const std::string line(1000, 'x');
  for (int i = 0; i < 10000; ++i) rocksdb::Warn(log, "%d %s", i, line.c_str());
  EXPECT_LE(std::filesystem::file_size(folder.path() + "/LOG"), 5u << 20);
  EXPECT_LE(std::filesystem::file_size(folder.path() + "/LOG.old"), 5u << 20);
  const std::string last = ReadFile(folder.path() + "/LOG", 8u << 20).value();
  EXPECT_NE(last.find("9999 x"), std::string::npos);
}

TEST(RocksDbLog, LeavesLinesOutWhenItCannotBeWritten) {
  RocksDbLog log("/no/such/folder");
  rocksdb::Warn(&log, "%s", "nothing happens");
  const TempDir folder;
  std::filesystem::create_symlink("/dev/full", folder.path() + "/LOG");
  RocksDbLog full(folder.path());
  rocksdb::Warn(&full, "%s", "nor here");
}

}  // namespace
}  // namespace augstore
