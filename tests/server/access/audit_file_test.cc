#include "server/access/audit_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "schemas/base/files.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

class AuditFileTest : public ::testing::Test {
 protected:
  std::string Path(int number = 0) const {
    const std::vector<std::string> paths = AuditFile::PathsIn(dir_.path());
    return paths.at(paths.size() - 1 - static_cast<size_t>(number));
  }
  std::string Text(int number = 0) const { return ReadFile(Path(number), 1 << 20).value(); }

  TempDir dir_;
};

TEST_F(AuditFileTest, IsMadeWithItsFirstLineForItsUserAlone) {
  AuditFile file(dir_.path(), 1000);
  EXPECT_FALSE(std::filesystem::exists(dir_.path() + "/audit"));
  ASSERT_TRUE(file.Append("one\n").ok());
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((dir_.path() + "/audit").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
}

TEST_F(AuditFileTest, GoesOnWhereItWas) {
  ASSERT_TRUE(AuditFile(dir_.path(), 1000).Append("one\n").ok());
  ASSERT_TRUE(AuditFile(dir_.path(), 1000).Append("two\n").ok());
  EXPECT_EQ(Text(), "one\ntwo\n");
}

TEST_F(AuditFileTest, BeginsAnotherWhenItIsFullAndKeepsTheNewestOnes) {
  AuditFile file(dir_.path(), 9);
  for (int i = 10; i < 50; ++i) ASSERT_TRUE(file.Append(std::to_string(i) + "34\n").ok());
  EXPECT_EQ(Text(), "4934\n");
  EXPECT_EQ(Text(1), "4834\n");
  EXPECT_EQ(Text(AuditFile::kKept), "4034\n");
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path() + "/audit")) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, static_cast<size_t>(AuditFile::kKept) + 1);
  ASSERT_TRUE(file.Append("a line that is longer than a file\n").ok());
  EXPECT_EQ(Text(), "a line that is longer than a file\n");
}

TEST_F(AuditFileTest, LeavesNoPartOfALineWhenTheDeviceIsFull) {
  AuditFile file(dir_.path(), 1 << 20);
  ASSERT_TRUE(file.Append("before\n").ok());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{10, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status full = file.Append("a line of which a part would fit\n");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(full.code(), Code::kUnavailable);
  EXPECT_THAT(full.message(), testing::HasSubstr(Path()));
  EXPECT_EQ(Text(), "before\n");
  ASSERT_TRUE(file.Append("after\n").ok());
  EXPECT_EQ(Text(), "before\nafter\n");
}

TEST_F(AuditFileTest, FollowsNoLink) {
  const std::string elsewhere = dir_.Write("elsewhere", "kept");
  std::filesystem::create_directory(dir_.path() + "/audit");
  std::filesystem::create_symlink(elsewhere, Path());
  EXPECT_EQ(AuditFile(dir_.path(), 1000).Append("line\n").code(), Code::kUnavailable);
  EXPECT_EQ(ReadFile(elsewhere, 100).value(), "kept");
}

}  // namespace
}  // namespace augstore
