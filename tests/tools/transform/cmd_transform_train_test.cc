#include "engine/fitting/families.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/synth/synthetic_images.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");

// One store for all tests, so that every image is embedded once.
class TransformTrainCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    ASSERT_TRUE(WriteSyntheticImages(dir_->path() + "/train", {.seed = 1, .per_class = 4}).ok());
    ASSERT_TRUE(WriteSyntheticImages(dir_->path() + "/test", {.seed = 2, .per_class = 1}).ok());
  }
  static void TearDownTestSuite() { delete dir_; }

  static CommandResult Train(std::vector<std::string> more) {
    std::vector<std::string> args = {"transform",  "train",   "--store",  dir_->path() + "/db",
                                     "--backbone", kBackbone, "--images", dir_->path() + "/train"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddTransformGroup<true>, std::move(args));
  }
  static Result<TransformWeights> Weights(const std::string& ref) {
    AUGSTORE_ASSIGN(const auto database,
                    Database::Open({.store = dir_->path() + "/db", .connect = {}}));
    return database->client().GetWeights(ref);
  }

  static TempDir* dir_;
};
TempDir* TransformTrainCommand::dir_ = nullptr;

TEST_F(TransformTrainCommand, FitsEveryFamilyAndRegistersTheBest) {
  const CommandResult result =
      Train({"--op", "brightness(0.5)", "--name", "dark", "--epochs", "2", "--error-bank", "3",
             "--check-images", dir_->path() + "/test", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  EXPECT_EQ(json["ref"], "dark@1");
  EXPECT_EQ(json["card"]["entries"].size(), 2u);
  const Json& candidates = json["card"]["candidates"];
  std::vector<std::string_view> families;
  for (const Family& family : TransformFamilies()) {
    if (!family.reads_feature_maps) families.push_back(family.name);
  }
  ASSERT_EQ(candidates.size(), families.size());
  bool registered = false;
  for (size_t i = 0; i < candidates.size(); ++i) {
    EXPECT_EQ(candidates[i]["family"], families[i]);
    EXPECT_NE(result.err.find(families[i]), std::string::npos) << "a line for each";
    if (candidates[i]["family"] != json["family"]) continue;
    registered = true;
    EXPECT_EQ(candidates[i]["r2"], json["card"]["entries"][0]["r2"]);
  }
  EXPECT_TRUE(registered);
  const Result<TransformWeights> weights = Weights("dark@1");
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  EXPECT_LE(weights->error_bank.rows(), 3u);
  EXPECT_GE(weights->error_bank.rows(), 1u);
}

TEST_F(TransformTrainCommand, FitsTheOneFamilyThatIsNamed) {
  const CommandResult result = Train({"--op", "brightness(0.5)", "--name", "dim", "--family",
                                      "diagonal", "--error-bank", "0", "--json", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  EXPECT_EQ(json["family"], "diagonal");
  EXPECT_TRUE(json["card"]["candidates"].empty());
  EXPECT_EQ(json["multiply_adds"], 512);
  EXPECT_EQ(Weights("dim").value().error_bank.rows(), 0u);
  EXPECT_EQ(result.err.find("diagonal"), std::string::npos) << result.err;
}

TEST_F(TransformTrainCommand, LearnsFromMirrorImagesToo) {
  const std::vector<std::string> flags = {"--op",     "vflip",  "--family",
                                          "diagonal", "--json", "--quiet"};
  const CommandResult plain = Train(flags);
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  std::vector<std::string> more = flags;
  more.push_back("--mirror");
  const CommandResult mirrored = Train(more);
  ASSERT_EQ(mirrored.exit_code, 0) << mirrored.err;
  const Json once = plain.json()["card"];
  const Json twice = mirrored.json()["card"];
  EXPECT_EQ(twice["train_pairs"].get<int>(), 2 * once["train_pairs"].get<int>());
  EXPECT_EQ(twice["entries"][0]["pairs"], once["entries"][0]["pairs"]);
  EXPECT_EQ(twice["entries"][0]["identity_mse"], once["entries"][0]["identity_mse"]);
  EXPECT_EQ(mirrored.json()["embedded"], 80) << "hflip and hflip>vflip of 40 images";
}

TEST_F(TransformTrainCommand, WarnsOfATransformThatIsNoBetterThanNothing) {
  const CommandResult result = Train({"--op", "vflip", "--name", "still", "--family", "identity"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("still@1 is no better than doing nothing"), std::string::npos)
      << result.err;
}

TEST_F(TransformTrainCommand, RegistersNothingWhenTheAliasIsRefused) {
  const CommandResult result =
      Train({"--op", "vflip", "--name", "idle", "--family", "identity", "--alias", "champion"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_NE(
      result.err.find(
          "nothing was registered, since alias 'champion' may only move to a version that is"),
      std::string::npos)
      << result.err;
  EXPECT_EQ(Weights("idle@1").status().code(), Code::kNotFound);
}

TEST_F(TransformTrainCommand, SaysWhatAConditionalTransformCostsAndStopsThereWhenAsked) {
  const CommandResult result = RunCommand(
      AddTransformGroup<true>,
      {"transform", "train-conditional", "--store", dir_->path() + "/db", "--backbone", kBackbone,
       "--images", dir_->path() + "/train", "--ops", "hflip,rotate(-10..10)", "--dry-run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("40 images, at most 400 Φ calls: about "), std::string::npos)
      << "itself, 3 corners, 4 single ops and 2 chains of each: " << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(Weights("geo").status().code(), Code::kNotFound);
}

TEST_F(TransformTrainCommand, NamesTheFamiliesThatThereAre) {
  const CommandResult result = Train({"--op", "vflip", "--family", "magic"});
  EXPECT_EQ(result.exit_code, 2);
  const CommandResult help = Train({"--help"});
  for (const Family& family : TransformFamilies()) {
    EXPECT_NE(result.err.find(family.name), std::string::npos) << family.name;
    EXPECT_NE(help.out.find(fmt::format("{}: {}", family.name, family.formula)), std::string::npos)
        << family.name;
  }
}

}  // namespace
}  // namespace augstore
