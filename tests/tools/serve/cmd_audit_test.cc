#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "server/access/audit_file.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/commands.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AuditCommandTest : public ::testing::Test {
 protected:
  CommandResult Run(std::vector<std::string> args) {
    args.insert(args.begin(), "audit");
    args.insert(args.end(), {"--store", store_});
    return RunCommand(AddAuditCommand, args);
  }
  void Append(const std::string& time, const std::string& outcome) {
    const Json line = {{"time", time},      {"who", "key k3jd72na"}, {"role", "read"},
                       {"from", "test"},    {"what", "Query"},       {"target", "collection toy"},
                       {"outcome", outcome}};
    ASSERT_TRUE(AuditFile(store_, 200).Append(line.dump() + "\n").ok());
  }

  TempDir dir_;
  const std::string store_ = dir_.path() + "/db";
};

TEST_F(AuditCommandTest, HasWhatACommandWroteWithoutAServer) {
  EXPECT_TRUE(OpenRocksDbStore(store_, {}).ok());
  EXPECT_THAT(Run({}).out, HasSubstr("nothing was written"));
  ASSERT_EQ(RunCommand(AddKeyCommands, {"key", "create", "--store", store_}).exit_code, 0);
  ASSERT_EQ(RunCommand(AddKeyCommands, {"key", "ls", "--store", store_}).exit_code, 0);
  const CommandResult text = Run({});
  EXPECT_THAT(text.out, HasSubstr("CreateKey"));
  EXPECT_THAT(text.out, HasSubstr("in process"));
  EXPECT_THAT(text.out, Not(HasSubstr("ListKeys"))) << "reading is no write";
  const Json line = Json::parse(Run({"--json"}).out);
  EXPECT_EQ(line["who"], "uid " + std::to_string(::geteuid()));
  EXPECT_EQ(line["outcome"], "Ok");
}

TEST_F(AuditCommandTest, ReadsAllFilesFromTheOldestOn) {
  EXPECT_TRUE(OpenRocksDbStore(store_, {}).ok());
  for (const char* day : {"01", "02", "03"})
    Append(fmt::format("2026-01-{}T00:00:00.000Z", day), "Ok");
  Append("2999-01-01T00:00:00.000Z", "PermissionDenied");
  ASSERT_TRUE(AuditFile(store_, 200).Append("half a li\n").ok());
  const auto times = [&](std::vector<std::string> args) {
    args.emplace_back("--json");
    std::istringstream lines(Run(args).out);
    std::string found;
    for (std::string line; std::getline(lines, line);) {
      found += Json::parse(line)["time"].get<std::string>().substr(0, 10) + " ";
    }
    return found;
  };
  EXPECT_EQ(times({}), "2026-01-01 2026-01-02 2026-01-03 2999-01-01 ");
  EXPECT_EQ(times({"--since", "1s"}), "2999-01-01 ");
  EXPECT_EQ(times({"--failures"}), "2999-01-01 ");
  EXPECT_THAT(Run({}).out, HasSubstr("collection toy"));
}

TEST_F(AuditCommandTest, NamesAStoreThatIsNotThere) {
  EXPECT_EQ(Run({}).exit_code, 3);
  EXPECT_EQ(Run({"--connect", "unix:///x"}).exit_code, 2);
}

}  // namespace
}  // namespace augstore
