#include "server/sockets/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/serving.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

Address Unix(const std::string& path) { return {Address::Kind::kUnix, "", 0, path}; }
Address Tcp(const std::string& host, uint16_t port = 0) {
  return {Address::Kind::kTcp, host, port, ""};
}

TEST(Listener, RefusesAddressesThatOthersCanReach) {
  for (const char* host : {"0.0.0.0", "::", "8.8.8.8", "example.org"}) {
    const auto listener = Listener::Open(Tcp(host));
    ASSERT_FALSE(listener.ok()) << host;
    EXPECT_EQ(listener.status().code(), Code::kInvalidArgument);
    EXPECT_THAT(listener.status().message(), HasSubstr(host));
    EXPECT_THAT(
        listener.status().message(),
        HasSubstr("other machines could reach it without TLS, so its traffic could be read: "
                  "use tls://, a loopback address"));
  }
}

TEST(Listener, SaysWhichPortTheSystemChose) {
  const auto listener = Listener::Open(Tcp("127.0.0.1"));
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  EXPECT_EQ(listener->address().host, "127.0.0.1");
  EXPECT_NE(listener->address().port, 0);
}

TEST(Listener, NamesAnAddressThatIsInUse) {
  const auto first = Listener::Open(Tcp("127.0.0.1"));
  const auto second = Listener::Open(first->address());
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr(first->address().ToString()));
}

TEST(Listener, LetsTheOwnerAloneUseTheUnixSocket) {
  const TempDir dir;
  const auto listener = Listener::Open(Unix(dir.path() + "/a.sock"));
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  struct stat info {};
  ASSERT_EQ(::stat((dir.path() + "/a.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Listener, RemovesTheSocketFileAtTheEnd) {
  const TempDir dir;
  const std::string path = dir.path() + "/a.sock";
  {
    const auto listener = Listener::Open(Unix(path));
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Listener, LeavesAFileThatAnotherPutInItsPlace) {
  const TempDir dir;
  const std::string path = dir.path() + "/a.sock";
  {
    const auto listener = Listener::Open(Unix(path));
    std::filesystem::remove(path);
    dir.Write("a.sock", "another's");
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Listener, ReplacesAFileThatNobodyListensOn) {
  const TempDir dir;
  const std::string path = dir.path() + "/a.sock";
  sockaddr_un endpoint{};
  endpoint.sun_family = AF_UNIX;
  std::memcpy(endpoint.sun_path, path.data(), path.size());
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint), 0);
  ::close(dead);
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto listener = Listener::Open(Unix(path));
  EXPECT_TRUE(listener.ok()) << listener.status().ToString();
}

TEST(Listener, LeavesASocketThatSomebodyListensOn) {
  const RawListener other;
  const auto listener = Listener::Open(other.address());
  EXPECT_EQ(listener.status().code(), Code::kUnavailable);
  EXPECT_THAT(listener.status().message(), HasSubstr(other.address().path));
  EXPECT_TRUE(std::filesystem::exists(other.address().path));
}

TEST(Listener, LeavesAFileThatIsNoSocket) {
  const TempDir dir;
  const std::string path = dir.Write("notes.txt", "precious");
  const auto listener = Listener::Open(Unix(path));
  EXPECT_EQ(listener.status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Listener, NamesAFolderThatDoesNotExist) {
  const auto listener = Listener::Open(Unix("/nonexistent/folder/a.sock"));
  EXPECT_EQ(listener.status().code(), Code::kUnavailable);
  EXPECT_THAT(listener.status().message(), HasSubstr("/nonexistent/folder/a.sock"));
}

TEST(Listener, RefusesAPathThatDoesNotFit) {
  for (const std::string& path : {std::string(), "/" + std::string(107, 'x')}) {
    EXPECT_EQ(Listener::Open(Unix(path)).status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace augstore
