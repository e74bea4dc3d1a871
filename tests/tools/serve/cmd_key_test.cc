// augstore key: what the command adds to the requests, which key_ring_test.cc and access_test.cc
// test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "schemas/base/files.h"
#include "schemas/records/keys.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/commands.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class KeyCommandTest : public ::testing::Test {
 protected:
  KeyCommandTest() { EXPECT_TRUE(OpenRocksDbStore(store_, {}).ok()); }
  CommandResult Run(std::vector<std::string> args) {
    args.insert(args.begin(), "key");
    args.insert(args.end(), {"--store", store_});
    return RunCommand(AddKeyCommands, args);
  }
  Json RunJson(std::vector<std::string> args) {
    args.emplace_back("--json");
    const CommandResult result = Run(std::move(args));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, nullptr, false);
  }
  static uint32_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }

  TempDir dir_;
  const std::string store_ = dir_.path() + "/db";
};

TEST_F(KeyCommandTest, PrintsTheKeyAloneOnStandardOutputAndWhatItIsBeside) {
  const CommandResult made = Run({"create", "--scope", "photos", "--scope", "imagenet*"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Result<Key> key = ParseKey(made.out);
  ASSERT_TRUE(key.ok()) << made.out;
  EXPECT_EQ(made.out, key->Text() + "\n");
  EXPECT_THAT(made.err, HasSubstr("role read, photos imagenet*"));
  EXPECT_THAT(made.err, Not(HasSubstr(key->secret)));
  const CommandResult list = Run({"ls"});
  EXPECT_THAT(list.out, HasSubstr(key->id));
  EXPECT_THAT(list.out, Not(HasSubstr(key->secret)));
}

TEST_F(KeyCommandTest, WritesTheKeyToAFileOfItsUserAlone) {
  const std::string path = dir_.Write("key", "something longer than a key, readable by everybody");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  const CommandResult made = Run({"create", "--out", path});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out, "");
  EXPECT_TRUE(ParseKey(ReadFile(path, 4096).value()).ok());
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(ModeOf(RunJson({"create", "--out", path + "2"})["file"].get<std::string>()), 0600u);
}

TEST_F(KeyCommandTest, MakesNoKeyThatItCannotWrite) {
  EXPECT_EQ(Run({"create", "--out", dir_.path() + "/none/key"}).exit_code, 5);
  EXPECT_TRUE(RunJson({"ls"})["keys"].empty());
}

TEST_F(KeyCommandTest, ReadsLengthsOfTime) {
  const int64_t now = std::time(nullptr);
  const std::pair<const char*, int64_t> cases[] = {
      {"90d", 90 * 86400}, {"12h", 12 * 3600}, {"30m", 1800}, {"45s", 45}};
  for (const auto& [text, seconds] : cases) {
    const auto expires = RunJson({"create", "--expires", text})["expires_unix_s"].get<int64_t>();
    EXPECT_NEAR(static_cast<double>(expires - now), static_cast<double>(seconds), 30) << text;
  }
  EXPECT_EQ(RunJson({"create"})["expires_unix_s"], 0);
  EXPECT_EQ(Run({"create", "--expires", "soon"}).exit_code, 2);
}

TEST_F(KeyCommandTest, RotatesAndRevokesByTheId) {
  const Json made = RunJson({"create", "--note", "whose it is"});
  const std::string id = made["id"];
  const Json rotated = RunJson({"rotate", id, "--grace", "1h"});
  EXPECT_EQ(rotated["id"], id);
  EXPECT_NE(rotated["key"], made["key"]);
  EXPECT_GT(rotated["previous_until_unix_s"], std::time(nullptr) + 3500);
  EXPECT_EQ(RunJson({"revoke", id})["revoked"], id);
  const Json list = RunJson({"ls"})["keys"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["note"], "whose it is");
  EXPECT_NE(list[0]["revoked_unix_s"], 0);
  EXPECT_FALSE(list[0].contains("key"));
  EXPECT_EQ(Run({"revoke", "nobody"}).exit_code, 3);
}

}  // namespace
}  // namespace augstore
