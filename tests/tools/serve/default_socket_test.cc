#include "tools/serve/default_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class DefaultSocketTest : public ::testing::Test {
 protected:
  ~DefaultSocketTest() override { ::unsetenv("XDG_RUNTIME_DIR"); }
  // A folder whose path no socket can have.
  std::string LongFolder(const std::string& name) {
    const std::string folder = dir_.path() + "/" + name + std::string(120, 'x');
    std::filesystem::create_directory(folder);
    return folder;
  }
  std::string PathOf(const std::string& store) {
    const Result<Address> address = DefaultSocket(store);
    EXPECT_TRUE(address.ok()) << address.status().ToString();
    return address.ok() ? address->path : "";
  }

  TempDir dir_;
};

TEST_F(DefaultSocketTest, IsInTheFolderOfTheStoreWhateverItIsCalled) {
  EXPECT_EQ(PathOf(dir_.path()), dir_.path() + "/augstore.sock");
  std::filesystem::create_directory(dir_.path() + "/a");
  EXPECT_EQ(PathOf(dir_.path() + "/a/.."), dir_.path() + "/augstore.sock");
  EXPECT_EQ(DefaultSocket(dir_.path() + "/none").status().code(), Code::kUnavailable);
}

TEST_F(DefaultSocketTest, IsInTheRuntimeFolderWhenThePathIsTooLong) {
  const TempDir runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  const std::string one = PathOf(LongFolder("a"));
  EXPECT_THAT(one, StartsWith(runtime.path() + "/augstore-"));
  EXPECT_EQ(one, PathOf(LongFolder("a")));
  EXPECT_NE(one, PathOf(LongFolder("b")));
}

TEST_F(DefaultSocketTest, IsNeverInAFolderThatOthersCanEnter) {
  const TempDir runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  ASSERT_EQ(::chmod(runtime.path().c_str(), 0755), 0);
  EXPECT_THAT(PathOf(LongFolder("a")), StartsWith(fmt::format("/tmp/augstore-{}/", ::geteuid())));
  struct stat info {};
  ASSERT_EQ(::stat(fmt::format("/tmp/augstore-{}", ::geteuid()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
}

}  // namespace
}  // namespace augstore
