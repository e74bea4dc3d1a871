#include "tools/cli/command.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

TEST(Command, EveryCodeHasADocumentedExitCode) {
  EXPECT_EQ(ExitCode(OkStatus()), 0);
  std::set<int> codes;
  for (int code = 1; code <= 11; ++code) {
    const int exit_code = ExitCode(Status(static_cast<Code>(code), "x"));
    EXPECT_GE(exit_code, 1);
    EXPECT_LE(exit_code, 8);
    codes.insert(exit_code);
  }
  EXPECT_EQ(codes.size(), 8u);
}

TEST(Database, RefusesTwoPlacesAndNone) {
  ::unsetenv("AUGSTORE_STORE");
  ::unsetenv("AUGSTORE_CONNECT");
  EXPECT_EQ(Database::Open({}).status().code(), Code::kInvalidArgument);
  CommonFlags both;
  both.store = "db";
  both.connect = "tcp://127.0.0.1:1";
  EXPECT_EQ(Database::Open(both).status().code(), Code::kInvalidArgument);
}

TEST(Database, OpensAStoreHereAndAnswersThroughTheService) {
  const TempDir folder;
  CommonFlags flags;
  flags.store = folder.path() + "/db";
  EXPECT_EQ(Database::Open(flags).status().code(), Code::kNotFound);
  auto database = Database::Open(flags, StoreAccess::kCreate);
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  const auto info = (*database)->client().Call<ServerInfoReply>(ServerInfoRequest{});
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  auto other = (*database)->NewClient();
  ASSERT_TRUE(other.ok());
  EXPECT_EQ((*other)->Call<ServerInfoReply>(ServerInfoRequest{})->store_id, info->store_id);
}

}  // namespace
}  // namespace augstore
