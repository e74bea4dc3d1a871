#include "storage/store/server_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "storage/store/store.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

TEST(ServerMark, GivesTheAddressWhileTheServerLives) {
  const TempDir folder;
  {
    const ServerMark mark(folder.path(), "unix:///run/my store.sock");
    const Status held = StoreIsHeld(folder.path());
    EXPECT_EQ(held.code(), Code::kFailedPrecondition);
    EXPECT_EQ(held.message(),
              fmt::format("store '{}' is held by the server at unix:///run/my store.sock (pid {}): "
                          "use --connect unix:///run/my store.sock",
                          folder.path(), ::getpid()));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/SERVER"));
  EXPECT_NE(StoreIsHeld(folder.path()).message().find("another process"), std::string::npos);
}

TEST(ServerMark, IsStaleOnceItsProcessIsGone) {
  const TempDir folder;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  folder.Write("SERVER", fmt::format("tcp://127.0.0.1:7411 {}\n", child));
  EXPECT_NE(StoreIsHeld(folder.path()).message().find("another process"), std::string::npos);
}

TEST(ServerMark, IgnoresAFileThatIsNoMark) {
  const TempDir folder;
  for (const char* text : {"", "\n", "x", " 1", "tcp://a", "tcp://a -1", "tcp://a 0", "tcp://a 1x",
                           "tcp://a 99999999999999999999"}) {
    folder.Write("SERVER", text);
    const Status held = StoreIsHeld(folder.path());
    EXPECT_EQ(held.code(), Code::kFailedPrecondition);
    EXPECT_NE(held.message().find("another process"), std::string::npos) << text;
  }
  folder.Write("SERVER", std::string(100000, 'a'));
  EXPECT_NE(StoreIsHeld(folder.path()).message().find("another process"), std::string::npos);
}

TEST(ServerMark, SurvivesAFolderThatCannotBeWritten) {
  const ServerMark mark("/nonexistent/store", "tcp://127.0.0.1:7411");
  EXPECT_EQ(StoreIsHeld("/nonexistent/store").code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace augstore
