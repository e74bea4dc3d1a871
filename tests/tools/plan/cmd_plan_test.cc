#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "schemas/base/files.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/synth/synthetic_images.h"

namespace augstore {
namespace {

const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");
constexpr uint32_t kDim = 512;

class PlanCommand : public testing::Test {
 protected:
  // One store for all tests: registering a backbone takes seconds.
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    ASSERT_TRUE(WriteSyntheticImages(Path("drawn"), {.per_class = 6}).ok());
    const CommandResult result = Plan({"--steps", "1"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  static std::string Path(const std::string& name) { return dir_->path() + "/" + name; }

  static CommandResult Plan(std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"plan", "--quiet", "--json"};
    const std::string defaults[][2] = {{"--images", Path("drawn")},
                                       {"--law", "rotate(-30..30)>brightness(0.7..1.4)"},
                                       {"--store", Path("db")},
                                       {"--backbone", kBackbone},
                                       {"--sample", "30"},
                                       {"--validation", "10"},
                                       {"--views", "1,2"},
                                       {"--many-views", "3"},
                                       {"--steps", "5"},
                                       {"--seeds", "2"},
                                       {"--arch", "linear"}};
    for (const auto& [flag, value] : defaults) {
      if (std::ranges::find(more, flag) == more.end()) args.insert(args.end(), {flag, value});
    }
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddPlanCommand, std::move(args));
  }
  // The exit code of a refusal, which must say `what`.
  int Refusal(const std::vector<std::string>& more, const std::string& what) {
    const CommandResult result = Plan(more);
    EXPECT_NE(result.err.find(what), std::string::npos) << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
    return result.exit_code;
  }
  std::vector<std::string> Ways(const CommandResult& result) {
    std::vector<std::string> names;
    const Json json = result.json();
    for (const Json& way : json["ways"]) names.push_back(way["way"]);
    return names;
  }
  // A transform that changes nothing, for the backbone of the store.
  Status AddTransform(const std::string& name) {
    AUGSTORE_ASSIGN(const auto database, Database::Open({.store = Path("db"), .connect = {}}));
    AUGSTORE_ASSIGN(const auto backbones, database->client().List<BackboneRecord>());
    Layer layer;
    layer.shape = {kDim, kDim, Activation::kNone, false, LayerKind::kDiagonal};
    layer.weight.assign(kDim, 1);
    layer.bias.assign(kDim, 0);
    const Layers layers{{layer}};
    const std::string blob = layers.ToSafetensors();
    TransformRecord record;
    record.backbone = backbones.at(0).record.digest;
    record.dim = kDim;
    record.op = "vflip";
    record.family = "custom";
    record.layers = layers.shapes();
    record.weights = Sha256({reinterpret_cast<const uint8_t*>(blob.data()), blob.size()});
    return database->client().Add(RecordKind::kTransform, name, Encode(record), blob).status();
  }

  static inline TempDir* dir_ = nullptr;
};

TEST_F(PlanCommand, MeasuresEveryWayAndKeepsNothingButEmbeddings) {
  const std::vector<std::string> law = {"--law", "zoom(1..1.3)>rotate(-30..30)"};
  const CommandResult first = Plan({law[0], law[1], "--plot", Path("plan.svg")});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(Ways(first), (std::vector<std::string>{"none", "1 random view", "2 random views",
                                                   "3 random views"}));
  const Json json = first.json();
  EXPECT_EQ(json["training"], 30);
  EXPECT_EQ(json["validation"], 10);
  EXPECT_EQ(json["phi_calls"], 30 * 3 + 10 * 2) << "the images themselves are stored";
  EXPECT_EQ(json["ways"][2]["phi_calls"], 3);
  EXPECT_EQ(json["ways"][2]["bytes"], 3 * kDim * 4);
  EXPECT_NE(json["notes"][0].get<std::string>().find("train-conditional"), std::string::npos);
  EXPECT_TRUE(ReadFile(Path("plan.svg"), 1 << 20)->starts_with("<svg"));

  const Json again = Plan(law).json();
  EXPECT_EQ(again["phi_calls"], 0) << "an embedding is made once";
  EXPECT_EQ(again["recommended"], json["recommended"]);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(again["ways"][i]["accuracy"], json["ways"][i]["accuracy"]) << i;
  }
  const auto database = Database::Open({.store = Path("db"), .connect = {}});
  ASSERT_TRUE(database.ok());
  EXPECT_EQ((*database)->client().List<CollectionRecord>()->size(), 0u);
}

TEST_F(PlanCommand, TriesTransformsAloneAndOnTopOfAView) {
  ASSERT_TRUE(AddTransform("same").ok());
  ASSERT_TRUE(AddTransform("same").ok());
  const CommandResult result = Plan({"--transforms", "same@2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Ways(result),
            (std::vector<std::string>{"none", "same@2", "1 random view", "2 random views",
                                      "1 random view or same@2", "3 random views"}));
  const Json ways = result.json()["ways"];
  EXPECT_EQ(ways[1]["policy"], "identity,same@2") << "in the names of the user's store";
  EXPECT_EQ(ways[1]["accuracy"], ways[0]["accuracy"]) << "it changes nothing";
}

TEST_F(PlanCommand, LeavesOutCopiesOfAnImageThatWouldBeTrainedOnAndTestedOn) {
  ASSERT_TRUE(WriteSyntheticImages(Path("twice"), {.per_class = 5}).ok());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("twice"))) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    std::filesystem::copy_file(
        path, path.substr(0, path.rfind('/') + 1) + "copy" + entry.path().filename().string());
  }
  const CommandResult result = Plan({"--images", Path("twice"), "--sample", "100"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  EXPECT_EQ(json["training"].get<int>() + json["validation"].get<int>(), 50);
  EXPECT_EQ(json["notes"][0],
            "50 images of the sample have the content of another, and were left out");
}

TEST_F(PlanCommand, ADryRunNeedsNoStoreAndChangesNone) {
  const CommandResult result = Plan({"--dry-run", "--store", Path("absent")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()["phi_calls"], 40 + 30 * 3 + 10 * 2);
  EXPECT_FALSE(std::filesystem::exists(Path("absent")));
}

TEST_F(PlanCommand, ADryRunSaysWhatItWouldAskOfPhi) {
  const CommandResult result = Plan({"--dry-run", "--many-views", "5"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.json()["phi_calls"], 40 + 30 * 5 + 10 * 2);
}

TEST_F(PlanCommand, RefusesWhatItCannotMeasure) {
  EXPECT_EQ(Refusal({"--views", "3"}, "below --many-views"), 2);
  EXPECT_EQ(Refusal({"--views", "0"}, "at least 1"), 2);
  EXPECT_EQ(Refusal({"--law", "spin(3)"}, "spin"), 2);
  EXPECT_EQ(Refusal({"--arch", "tree"}, "tree"), 2);
  EXPECT_EQ(Refusal({"--split", "none"}, "in split 'none'"), 2);
  EXPECT_EQ(Refusal({"--collection", "a@b"}, "a@b"), 2);
  EXPECT_EQ(Refusal({"--transforms", "nothing"}, "nothing"), 3);
  EXPECT_EQ(Refusal({"--transforms", "a>b"}, "no single transform"), 2);
  EXPECT_EQ(Refusal({"--images", Path("drawn/arrow")}, "at least 2 classes"), 2);
  EXPECT_EQ(Refusal({"--plot", Path("no/plan.svg")}, "there is no folder"), 3);
  EXPECT_EQ(Refusal({"--lr", "-1"}, "-1"), 2);
  EXPECT_EQ(Refusal({"--batch-size", "100000"}, "at most"), 2);
  ASSERT_TRUE(WriteSyntheticImages(Path("splits/train"), {.per_class = 1}).ok());
  ASSERT_TRUE(WriteSyntheticImages(Path("splits/test"), {.per_class = 1}).ok());
  EXPECT_EQ(Refusal({"--images", Path("splits")}, "holds splits"), 2);
}

TEST_F(PlanCommand, AFixedLawHasOneView) {
  const CommandResult result = Plan({"--law", "vflip"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Ways(result), (std::vector<std::string>{"none", "the view"}));
}

}  // namespace
}  // namespace augstore
