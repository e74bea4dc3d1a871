// augstore backbone, run as a user types it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

const std::string kFile = SourcePath("tools/demo_assets/backbone.pt");

class BackboneTest : public testing::Test {
 protected:
  CommandResult Run(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"backbone", command, "--store", dir_.path() + "/db"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddBackboneCommands, args);
  }
  CommandResult Add(const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"--backbone", kFile, "--quiet", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return Run("add", args);
  }

  TempDir dir_;
};

TEST_F(BackboneTest, IsMeasuredOnceAndRunInTheSameWayFromThenOn) {
  const CommandResult added = Add();
  ASSERT_EQ(added.exit_code, 0) << added.err;
  const Json way = added.json()["way"];
  EXPECT_GE(way["batch"], 1);
  EXPECT_GT(way["images_per_cpu_second"], 1.0);
  EXPECT_EQ(way["slot_difference"], 0.0);
  EXPECT_EQ(added.json()["normalised"], false);
  const CommandResult again = Add();
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.json(), added.json()) << "the measured rate of a second run would be another";
  const CommandResult shown = Run("show", {"backbone", "--json"});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(shown.json(), added.json());
  const CommandResult listed = Run("ls", {"--json"});
  EXPECT_EQ(listed.json()["backbones"][0], added.json());
}

TEST_F(BackboneTest, SaysInWordsHowItRuns) {
  ASSERT_EQ(Add().exit_code, 0);
  const std::string shown = Run("show", {"backbone@1"}).out;
  EXPECT_NE(shown.find("input 32x32, dim 512, feature map none"), std::string::npos) << shown;
  EXPECT_NE(shown.find("it runs "), std::string::npos) << shown;
  EXPECT_NE(shown.find("images per second of CPU time"), std::string::npos) << shown;
  const CommandResult missing = Run("show", {"resnet"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_NE(missing.err.find("resnet"), std::string::npos) << missing.err;
}

TEST_F(BackboneTest, IsNormalisedFromTheBeginningOrNotAtAll) {
  const CommandResult normalised = Add({"--normalised"});
  ASSERT_EQ(normalised.exit_code, 0) << normalised.err;
  EXPECT_EQ(normalised.json()["normalised"], true);
  EXPECT_NE(Run("show", {"backbone"}).out.find("dim 512 (normalised)"), std::string::npos);
  EXPECT_EQ(Add().json()["normalised"], true) << "what was decided then holds";
  const TempDir other;
  ASSERT_EQ(RunCommand(AddBackboneCommands, {"backbone", "add", "--store", other.path() + "/db",
                                             "--backbone", kFile, "--quiet"})
                .exit_code,
            0);
  const CommandResult late =
      RunCommand(AddBackboneCommands, {"backbone", "add", "--store", other.path() + "/db",
                                       "--backbone", kFile, "--quiet", "--normalised"});
  EXPECT_EQ(late.exit_code, 4);
  EXPECT_NE(late.err.find("--normalised"), std::string::npos) << late.err;
}

}  // namespace
}  // namespace augstore
