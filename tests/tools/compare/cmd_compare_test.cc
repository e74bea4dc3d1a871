#include <algorithm>

#include "schemas/base/files.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/synth/synthetic_images.h"

namespace augstore {
namespace {

const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");

class CompareCommand : public testing::Test {
 protected:
  CompareCommand() {
    EXPECT_TRUE(WriteSyntheticImages(Path("train"), {.per_class = 6}).ok());
    EXPECT_TRUE(WriteSyntheticImages(Path("test"), {.seed = 1, .per_class = 3}).ok());
  }
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  CommandResult Compare(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"compare", "--quiet", "--json"};
    const std::string defaults[][2] = {
        {"--train", Path("train")}, {"--test", Path("test")}, {"--ops", "vflip"},
        {"--families", "affine"},   {"--seeds", "2"},         {"--epochs", "2"},
        {"--arch", "linear"},       {"--store", Path("db")},  {"--backbone", kBackbone}};
    for (const auto& [flag, value] : defaults) {
      if (std::ranges::find(more, flag) == more.end()) args.insert(args.end(), {flag, value});
    }
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddCompareCommand, std::move(args));
  }

  TempDir dir_;
};

TEST_F(CompareCommand, KeepsItsTrialsOutOfTheStore) {
  const CommandResult result = Compare();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  ASSERT_EQ(json["transforms"].size(), 1u);
  EXPECT_EQ(json["transforms"][0]["family"], "affine");
  ASSERT_EQ(json["experiments"][0]["rows"].size(), 3u);
  const Json& row = json["experiments"][0]["rows"][1];
  EXPECT_EQ(row["policy"], "identity:1,affine-vflip@1:1");
  EXPECT_EQ(row["gap_closed"].is_null(), row["gap_closed_low"].is_null());

  const auto database = Database::Open({.store = Path("db"), .connect = {}});
  ASSERT_TRUE(database.ok());
  Client& client = (*database)->client();
  EXPECT_EQ(client.List<TransformRecord>()->size(), 0u);
  EXPECT_EQ(client.List<CollectionRecord>()->size(), 0u);
  EXPECT_EQ(client.List<BackboneRecord>()->size(), 1u) << "rows are kept";
}

TEST_F(CompareCommand, FindsWhatAnEarlierRunFittedInItsWorkFolder) {
  const std::vector<std::string> work = {"--work", Path("work")};
  const CommandResult first = Compare(work);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const CommandResult again = Compare(work);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.json()["transforms"], first.json()["transforms"])
      << "with the seconds of its fit";
  EXPECT_EQ(again.json()["experiments"][0]["rows"][1]["shifted"],
            first.json()["experiments"][0]["rows"][1]["shifted"]);
}

TEST_F(CompareCommand, WritesAPageInWhichTablesScroll) {
  const CommandResult result = Compare({"--report", Path("out/report.html"), "--no-pixel"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto page = ReadFile(Path("out/report.html"), 1 << 20);
  ASSERT_TRUE(page.ok());
  for (const char* part : {"<div class='wide'><table>", "overflow-x: auto",
                           "<td>embedding space, affine</td>", "<polyline", "</html>"}) {
    EXPECT_NE(page->find(part), std::string::npos) << part;
  }
}

TEST_F(CompareCommand, ReadsOpsThatAreNotInTheirCanonicalForm) {
  const CommandResult result = Compare({"--ops", "translate(1.0, -2), vflip", "--no-pixel"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()["experiments"][0]["ops"], "translate(1,-2)");
  EXPECT_EQ(result.json()["experiments"][1]["ops"], "vflip");
}

TEST_F(CompareCommand, RefusesFlagsThatNameNothing) {
  const CommandResult op = Compare({"--ops", "turn(3)"});
  EXPECT_EQ(op.exit_code, 2);
  EXPECT_NE(op.err.find("turn"), std::string::npos) << op.err;
  const CommandResult arch = Compare({"--arch", "tree"});
  EXPECT_EQ(arch.exit_code, 2);
  EXPECT_NE(arch.err.find("tree"), std::string::npos) << arch.err;
}

}  // namespace
}  // namespace augstore
