// augstore sample erase and lineage sample, on a store of blobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

class SampleCommandTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeBlobs(store_, "blobs").ok()); }
  CommandResult Run(void (*add)(Command*), std::vector<std::string> args) {
    args.insert(args.end(), {"--store", store_});
    return RunCommand(add, args);
  }
  Json RunJson(void (*add)(Command*), std::vector<std::string> args) {
    args.push_back("--json");
    const CommandResult result = Run(add, args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, nullptr, false);
  }
  // A key of the collection that one split alone has.
  std::string AnyKey() {
    const auto database = Database::Open({.store = store_, .connect = {}}, StoreAccess::kRead);
    const auto samples = (*database)->client().Call<SamplesReply>(GetSamplesRequest{"blobs", 0, 1});
    EXPECT_TRUE(samples.ok()) << samples.status().ToString();
    return samples->samples.keys[0];
  }

  TempDir dir_;
  const std::string store_ = dir_.path() + "/db";
};

TEST_F(SampleCommandTest, ShowsWhatHasTheImageBeforeItErasesIt) {
  const std::string key = AnyKey();
  const std::vector<std::string> sample = {"blobs", "--key", key, "--split", "train"};
  std::vector<std::string> lineage = {"lineage", "sample"};
  lineage.insert(lineage.end(), sample.begin(), sample.end());
  const Json named = RunJson(AddLineageCommands, lineage);
  EXPECT_EQ(named["collections"], Json::array({"blobs@1"}));
  EXPECT_EQ(named["embeddings"], 1);

  std::vector<std::string> erase = {"sample", "erase"};
  erase.insert(erase.end(), sample.begin(), sample.end());
  EXPECT_EQ(RunJson(AddSampleCommands, erase)["applied"], false);
  EXPECT_EQ(RunJson(AddLineageCommands, lineage), named) << "nothing was changed";
  erase.push_back("--apply");
  EXPECT_EQ(RunJson(AddSampleCommands, erase)["applied"], true);

  const CommandResult old = Run(AddCollectionCommands, {"collection", "show", "blobs@1"});
  EXPECT_EQ(old.exit_code, 3);
  EXPECT_THAT(old.err, HasSubstr("'blobs@2' has the others"));
  const CommandResult again = Run(AddSampleCommands, erase);
  EXPECT_EQ(again.exit_code, 3);
  EXPECT_THAT(again.err, HasSubstr("no sample"));
}

TEST_F(SampleCommandTest, WantsACollectionAndAKeyOrAnImage) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {}, {"blobs"}, {"--key", "a"}, {"blobs", "--key", "a", "--image", "b"}}) {
    std::vector<std::string> all = {"sample", "erase"};
    all.insert(all.end(), args.begin(), args.end());
    EXPECT_EQ(Run(AddSampleCommands, all).exit_code, 2);
  }
  const CommandResult hash = Run(AddSampleCommands, {"sample", "erase", "--image", "12"});
  EXPECT_THAT(hash.err, HasSubstr("32 hexadecimal digits"));
}

}  // namespace
}  // namespace augstore
