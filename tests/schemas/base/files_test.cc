#include "schemas/base/files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

size_t CountEntries(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

TEST(ReadFile, GivesTheWholeFile) {
  const TempDir folder;
  for (size_t size : {0, 1, 65536, 100000}) {
    const std::string bytes(size, 'x');
    const auto read = ReadFile(folder.Write("file", bytes), 100000);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, bytes);
  }
}

TEST(ReadFile, RefusesMoreThanTheLimit) {
  const TempDir folder;
  const auto read = ReadFile(folder.Write("file", "12345"), 4);
  EXPECT_EQ(read.status().code(), Code::kInvalidArgument);
  EXPECT_NE(read.status().message().find("/file"), std::string::npos);
}

TEST(ReadFile, RefusesAFileThatNeverEnds) {
  EXPECT_EQ(ReadFile("/dev/zero", 100000).status().code(), Code::kInvalidArgument);
}

TEST(ReadFile, ReadsAFileThatTellsNoSize) {
  const auto read = ReadFile("/proc/self/status", 1u << 20);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(read->starts_with("Name:"));
}

TEST(ReadFile, NamesAMissingFile) {
  const TempDir folder;
  EXPECT_EQ(ReadFile(folder.path() + "/missing", 10).status().code(), Code::kNotFound);
  const std::string below_a_file = folder.Write("file", "x") + "/missing";
  EXPECT_EQ(ReadFile(below_a_file, 10).status().code(), Code::kNotFound);
}

TEST(ReadFile, RefusesAFolder) {
  const TempDir folder;
  EXPECT_EQ(ReadFile(folder.path(), 1u << 20).status().code(), Code::kInvalidArgument);
}

TEST(WriteFileAtomically, CreatesAndReplaces) {
  const TempDir folder;
  const std::string path = folder.path() + "/file";
  for (const std::string& bytes : {std::string("first"), std::string(100000, 'y'), std::string()}) {
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    EXPECT_EQ(*ReadFile(path, 100000), bytes);
  }
  EXPECT_EQ(CountEntries(folder.path()), 1U);
}

TEST(WriteFileAtomically, NamesAFolderThatIsMissing) {
  const TempDir folder;
  const Status status = WriteFileAtomically(folder.path() + "/missing/file", "x");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("/missing/file"), std::string::npos);
}

TEST(WriteFileAtomically, LeavesAFolderOfThatNameAsItIs) {
  const TempDir folder;
  const std::string path = folder.path() + "/taken";
  std::filesystem::create_directories(path + "/full");
  EXPECT_EQ(WriteFileAtomically(path, "x").code(), Code::kInvalidArgument);
  EXPECT_EQ(CountEntries(folder.path()), 1U);
}

TEST(WriteFileAtomically, ShowsReadersOnlyWholeFiles) {
  const TempDir folder;
  const std::string path = folder.path() + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(50000, 'a')).ok());
  std::vector<std::thread> writers;
  std::vector<Status> statuses(4);
  for (size_t i = 0; i < statuses.size(); ++i) {
    writers.emplace_back([&path, &status = statuses[i], i] {
      status = WriteFileAtomically(path, std::string(50000, static_cast<char>('b' + i)));
    });
  }
  for (int i = 0; i < 50; ++i) {
    const auto read = ReadFile(path, 50000);
    EXPECT_TRUE(read.ok() && *read == std::string(50000, (*read)[0]));
  }
  for (std::thread& writer : writers) writer.join();
  for (const Status& status : statuses) EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(CountEntries(folder.path()), 1U);
}

TEST(Files, GivesANewFileThePermissionsOfTheOld) {
  const TempDir folder;
  const std::string path = folder.Write("private", "old");
  namespace fs = std::filesystem;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(WriteFileAtomically(path, "new").ok());
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Files, NeverRenamesOverWhatIsNoRegularFile) {
  const Status status = WriteFileAtomically("/dev/null", "x");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Files, ReplacesTheFileBehindALink) {
  const TempDir dir;
  const std::string file = dir.Write("file", "old");
  std::filesystem::create_symlink(file, dir.path() + "/link");
  ASSERT_TRUE(WriteFileAtomically(dir.path() + "/link", "new").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(dir.path() + "/link"));
  EXPECT_EQ(*ReadFile(file, 10), "new");
}

}  // namespace
}  // namespace augstore
