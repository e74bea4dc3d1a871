#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/synth/synthetic_images.h"
#include "tools/transform/cmd_transform.h"

namespace augstore {
namespace {

const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");
constexpr const char* kOps = "vflip,brightness(0.5..1.5)";

std::string ReadText(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

size_t Count(const std::string& text, char wanted) {
  return static_cast<size_t>(std::ranges::count(text, wanted));
}

class PaperCommand : public testing::Test {
 protected:
  PaperCommand() {
    EXPECT_TRUE(WriteSyntheticImages(images() + "/train", {.per_class = 8}).ok());
    EXPECT_TRUE(WriteSyntheticImages(images() + "/test", {.seed = 1, .per_class = 2}).ok());
  }
  std::string images() const { return dir_.path() + "/images"; }
  std::string out() const { return dir_.path() + "/out"; }

  CommandResult TrainConditional(const std::string& ops = kOps, const std::string& name = "geo",
                                 const std::string& folder = "train") {
    return RunCommand(AddTransformGroup<true>,
                      {"transform", "train-conditional", "--ops", ops, "--name", name, "--images",
                       images() + "/" + folder, "--store", dir_.path() + "/db", "--backbone",
                       kBackbone, "--quiet", "--json", "--draws", "1", "--chain-draws", "1"});
  }

  CommandResult Paper(const std::string& steps = "8") {
    std::vector<std::string> args = {"paper",
                                     "--base",
                                     images() + "/train",
                                     "--train",
                                     images() + "/train",
                                     "--test",
                                     images() + "/test",
                                     "--out",
                                     out(),
                                     "--ops",
                                     "vflip",
                                     "--families",
                                     "affine",
                                     "--conditional",
                                     "geo",
                                     "--cached",
                                     "2",
                                     "--per-class",
                                     "4",
                                     "--seeds",
                                     "2",
                                     "--steps",
                                     steps,
                                     "--checkpoints",
                                     "2",
                                     "--arch",
                                     "linear",
                                     "--store",
                                     dir_.path() + "/db",
                                     "--backbone",
                                     kBackbone,
                                     "--quiet",
                                     "--json"};
    return RunCommand(AddPaperCommand, std::move(args));
  }

  TempDir dir_;
};

TEST_F(PaperCommand, FillsItsTablesAndGoesOnWhereItWas) {
  const CommandResult trained = TrainConditional();
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.json()["ref"], "geo@1");
  EXPECT_EQ(trained.json()["family"], "conditional");
  EXPECT_EQ(trained.json()["card"]["entries"].size(), 4u);

  const CommandResult first = Paper();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  // none, noise, 2 views, affine, conditional, conditional~, pixel; 2 seeds.
  EXPECT_EQ(first.json()["cells"], 7 * 2);
  const std::string report = ReadText(out() + "/results.md");
  for (const char* part : {"| pixel space |", "| conditional |", "| noise of the same covariance |",
                           "vflip>brightness(1.5)", "images/s"}) {
    EXPECT_NE(report.find(part), std::string::npos) << part;
  }
  const std::string cells = ReadText(out() + "/cells.jsonl");
  EXPECT_EQ(Count(cells, '\n'), 1u + 14);

  // A run that was killed while it wrote a line.
  std::ofstream(out() + "/cells.jsonl", std::ios::trunc) << cells.substr(0, cells.size() - 40);
  const CommandResult again = Paper();
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.json()["cells"], 14);
  const CommandResult other = Paper("16");
  EXPECT_EQ(other.exit_code, 4) << other.err;
  EXPECT_NE(other.err.find("other settings"), std::string::npos) << other.err;
}

TEST_F(PaperCommand, AsksForTheConditionalTransform) {
  const CommandResult missing = Paper();
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_NE(missing.err.find("train-conditional"), std::string::npos) << missing.err;
}

TEST_F(PaperCommand, ConditionalTrainingNamesWhatIsWrong) {
  EXPECT_EQ(TrainConditional("hflip,nosuch").exit_code, 2);
  EXPECT_EQ(TrainConditional(kOps, "a b").exit_code, 2);
  EXPECT_EQ(TrainConditional(kOps, "geo", "nowhere").exit_code, 3);
}

}  // namespace
}  // namespace augstore
