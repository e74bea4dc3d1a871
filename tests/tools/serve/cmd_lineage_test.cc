// augstore lineage, delete and gc on a store with a head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class LineageCommandTest : public ::testing::Test {
 protected:
  // Collection "blobs@1", and head "h@1" that was trained on it.
  void SetUp() override {
    ASSERT_TRUE(MakeBlobs(store_, "blobs").ok());
    const auto database =
        Database::Open({.store = store_, .connect = {}}, StoreAccess::kWrite).value();
    Layer layer;
    layer.shape = {kBlobDim, 3, Activation::kNone, false};
    layer.weight.resize(size_t{kBlobDim} * 3);
    layer.bias.resize(3);
    HeadRecord head;
    head.backbone = BlobBackbone();
    head.dim = kBlobDim;
    head.arch = "linear";
    head.classes = {"red", "green", "blue"};
    head.lineage.stream.collection = "blobs@1";
    head.lineage.stream.policy = "identity:1";
    ASSERT_TRUE(database->client()
                    .Add(RecordKind::kHead, "h", Encode(head), Layers{{layer}}.ToSafetensors())
                    .ok());
  }
  Json RunJson(void (*add)(Command*), std::vector<std::string> args, int exit_code = 0) {
    args.insert(args.end(), {"--store", store_, "--json"});
    const CommandResult result = RunCommand(add, args);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    said_ = result.err;
    return Json::parse(result.out, nullptr, false);
  }

  TempDir dir_;
  const std::string store_ = dir_.path() + "/db";
  std::string said_;
};

TEST_F(LineageCommandTest, SaysWhatAHeadWasMadeOfAndWhatIsGone) {
  Json lineage = RunJson(AddLineageCommands, {"lineage", "head", "h"});
  EXPECT_EQ(lineage["collection"]["ref"], "blobs@1");
  EXPECT_EQ(lineage["collection"]["exists"], true);
  EXPECT_TRUE(lineage["used_by"].empty());

  RunJson(AddCollectionCommands, {"collection", "delete", "blobs"}, 2);
  EXPECT_THAT(said_, HasSubstr("--all-versions"));
  RunJson(AddCollectionCommands, {"collection", "delete", "blobs@1"}, 4);
  EXPECT_THAT(said_, HasSubstr("head 'h@1' was trained on blobs@1"));
  const Json listed =
      RunJson(AddCollectionCommands, {"collection", "delete", "blobs@1", "--dry-run"});
  EXPECT_EQ(listed["applied"], false);
  EXPECT_EQ(listed["records"].size(), 2u);
  EXPECT_EQ(listed["records"][0]["ref"], "h@1");
  EXPECT_EQ(RunJson(AddGcCommand, {"gc"})["rows"], 0);

  const Json deleted = RunJson(AddCollectionCommands,
                               {"collection", "delete", "blobs", "--all-versions", "--cascade"});
  EXPECT_EQ(deleted["applied"], true);
  RunJson(AddLineageCommands, {"lineage", "head", "h"}, 3);
  EXPECT_EQ(RunJson(AddGcCommand, {"gc"})["rows"], 310);
  EXPECT_EQ(RunJson(AddGcCommand, {"gc", "--apply"})["applied"], true);
  EXPECT_EQ(RunJson(AddGcCommand, {"gc", "--apply"})["rows"], 0);
}

}  // namespace
}  // namespace augstore
