#include "schemas/weights/transform_weights.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/collection/embedder.h"
#include "tools/synth/synthetic_images.h"
#include "tools/transform/cmd_transform.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 512;  // of the backbone that comes with augstore
const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");

CommandResult Command(std::vector<std::string> args) {
  return RunCommand(AddTransformGroup<true>, std::move(args));
}

// z -> scale * z.
std::string ScaledIdentity(float scale) {
  Layers layers;
  layers.layers.push_back({{kDim, kDim, Activation::kNone, false},
                           std::vector<float>(size_t{kDim} * kDim, 0),
                           std::vector<float>(kDim, 0)});
  for (size_t i = 0; i < kDim; ++i) layers.layers[0].weight[i * kDim + i] = scale;
  return layers.ToSafetensors();
}

// z -> value.
std::string Constant(std::span<const float> value) {
  Layers layers;
  layers.layers.push_back({{kDim, kDim, Activation::kNone, false},
                           std::vector<float>(size_t{kDim} * kDim, 0),
                           std::vector<float>(value.begin(), value.end())});
  return layers.ToSafetensors();
}

// Conditional on "brightness(0..1),hflip": z -> value for brightness(0), and z for hflip. Its
// features are what a darker and a brighter image add, in this order, and hflip's.
TransformWeights Conditional(std::span<const float> value) {
  TransformWeights weights;
  weights.layers = Layers::FromSafetensors(ScaledIdentity(1)).value();
  weights.ops = "brightness(0..1),hflip";
  weights.slots = 2;
  weights.basis.resize(3, Layers::FromSafetensors(ScaledIdentity(0)).value().layers[0]);
  weights.basis[0] = weights.layers.layers[0];
  for (size_t j = 0; j < kDim; ++j) weights.basis[0].bias[j] = -value[j];
  return weights;
}

Status RegisterConditional(const std::string& store, const TransformWeights& weights) {
  AUGSTORE_ASSIGN(const auto database, Database::Open({.store = store, .connect = {}}));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto backbone, client.Get<BackboneRecord>("backbone"));
  const TransformRecord record{.backbone = backbone.record.digest,
                               .dim = kDim,
                               .op = weights.ops,
                               .family = "conditional",
                               .layers = {},
                               .weights = {},
                               .card = {},
                               .feature_map = {}};
  return client.Add(RecordKind::kTransform, "lights", Encode(record), weights.ToSafetensors())
      .status();
}

// The embedding of a black image, in a new store with the backbone.
Result<Matrix> EmbedBlack(const std::string& store, const std::string& images) {
  AUGSTORE_ASSIGN(const auto database,
                  Database::Open({.store = store, .connect = {}}, StoreAccess::kCreate));
  BackboneFlags flags;
  flags.file = kBackbone;
  AUGSTORE_ASSIGN(const auto backbone, LazyBackbone::Open(flags, database->client(), false));
  AUGSTORE_ASSIGN(const ImageSource source, ListImages(images));
  AUGSTORE_ASSIGN(const ImageOp black, ImageOp::Parse("brightness(0)"));
  AUGSTORE_ASSIGN(
      const EmbedOutcome embedded,
      EmbedItems(*database, *backbone, std::span(source.items).first(1), black, "", false));
  return FetchRows(database->client(), backbone->record(), embedded.rows);
}

// One store with transforms of which one is right on every image, "dark": brightness(0) makes all
// of them black, so that one z' is the answer to all.
class TransformEval : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    ASSERT_TRUE(WriteSyntheticImages(dir_->path() + "/test", {.seed = 2, .per_class = 2}).ok());
    ASSERT_TRUE(WriteSyntheticImages(dir_->path() + "/more", {.seed = 1, .per_class = 1}).ok());
    const auto black = EmbedBlack(Store(), dir_->path() + "/test");
    ASSERT_TRUE(black.ok()) << black.status().ToString();
    dir_->Write("dark.safetensors", Constant(black->row(0)));
    dir_->Write("same.safetensors", ScaledIdentity(1));
    dir_->Write("half.safetensors", ScaledIdentity(0.5));
    dir_->Write("double.safetensors", ScaledIdentity(2));
    Register("dark", "dark", "brightness(0)");
    const Status added = RegisterConditional(Store(), Conditional(black->row(0)));
    ASSERT_TRUE(added.ok()) << added.ToString();
  }
  static void TearDownTestSuite() { delete dir_; }

  static std::string Store() { return dir_->path() + "/db"; }
  static CommandResult Eval(const std::string& ref, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"transform", "eval",     ref,
                                     "--store",   Store(),    "--backbone",
                                     kBackbone,   "--images", dir_->path() + "/test",
                                     "--quiet"};
    args.insert(args.end(), more.begin(), more.end());
    return Command(args);
  }
  static void Register(const std::string& name, const std::string& weights, const std::string& op) {
    std::vector<std::string> args = {
        "transform",  "register", "--store",   Store(),
        "--name",     name,       "--weights", dir_->path() + "/" + weights + ".safetensors",
        "--backbone", kBackbone};
    if (!op.empty()) args.insert(args.end(), {"--op", op});
    const CommandResult added = Command(args);
    ASSERT_EQ(added.exit_code, 0) << added.err;
  }
  static CommandResult Alias(const std::string& name, const std::string& version) {
    return Command({"transform", "alias", name, "champion", version, "--store", Store()});
  }

  inline static TempDir* dir_ = nullptr;
};

TEST_F(TransformEval, MeasuresATransformThatIsRightAsNearlyPerfect) {
  const CommandResult result = Eval("dark", {"--retrieval", "10", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = result.json();
  EXPECT_EQ(json["ref"], "dark@1");
  EXPECT_EQ(json["op"], "brightness(0)");
  const Json& entry = json["entry"];
  EXPECT_EQ(entry["data"], "test");
  EXPECT_EQ(entry["pairs"], 20);
  EXPECT_GT(entry["r2"], 0.999);
  EXPECT_LE(entry["r2_low"], entry["r2"]);
  EXPECT_GE(entry["r2_high"], entry["r2"]);
  EXPECT_EQ(entry["retrieval_pool"], 2 + 8 + 9) << "z' and z, views under 8 ops, 9 other images";
  EXPECT_EQ(entry["mrr"], 1);
  EXPECT_EQ(entry["hit1"], 1);
  EXPECT_GT(json["measures"]["us_per_row"], 0);
  EXPECT_FALSE(json["measures"].contains("inverse_r2")) << "nothing undoes brightness(0)";
  EXPECT_TRUE(json["inverse"].is_null());
  EXPECT_TRUE(json["chain"].is_null());
  EXPECT_TRUE(json["saved"].is_null());
  EXPECT_EQ(json["skipped"], 0);
}

TEST_F(TransformEval, GivesTheSameNumbersAgainWithoutEmbedding) {
  const CommandResult first = Eval("dark", {"--retrieval", "5", "--json"});
  const CommandResult again = Eval("dark", {"--retrieval", "5", "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.json()["embedded"], 0);
  EXPECT_EQ(again.json()["entry"], first.json()["entry"]);
}

TEST_F(TransformEval, LimitsImagesAndLeavesRanksOut) {
  const CommandResult result = Eval("dark", {"--limit", "5", "--retrieval", "0", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()["entry"]["pairs"], 5);
  EXPECT_EQ(result.json()["entry"]["retrieval_pool"], 0);
}

TEST_F(TransformEval, SavesACardWithWhichAnAliasMoves) {
  Register("custom", "dark", "");
  EXPECT_EQ(Alias("custom", "1").exit_code, 4) << "no card";
  const CommandResult unnamed = Eval("custom");
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_NE(unnamed.err.find("--op"), std::string::npos) << unnamed.err;

  const CommandResult saved =
      Eval("custom", {"--op", "brightness(0.0)", "--retrieval", "0", "--save", "--json"});
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  EXPECT_EQ(saved.json()["saved"], "custom@2");
  const CommandResult alias = Alias("custom", "2");
  EXPECT_EQ(alias.exit_code, 0) << alias.err;

  const Json show =
      Command({"transform", "show", "custom@champion", "--store", Store(), "--json"}).json();
  const Json before =
      Command({"transform", "show", "custom@1", "--store", Store(), "--json"}).json();
  EXPECT_EQ(show["weights"], before["weights"]);
  EXPECT_EQ(show["op"], "brightness(0)");
  EXPECT_EQ(show["card"]["entries"][0], saved.json()["entry"]);
  EXPECT_EQ(show["card"]["measures"], saved.json()["measures"]);
  EXPECT_EQ(show["card"]["multiply_adds"], show["multiply_adds"]);
}

TEST_F(TransformEval, KeepsWhatWasMeasuredOnOtherDataWhenItSaves) {
  Register("kept", "dark", "brightness(0)");
  ASSERT_EQ(Eval("kept@1", {"--save", "--retrieval", "0"}).exit_code, 0);
  const CommandResult more =
      Command({"transform", "eval", "kept@2", "--store", Store(), "--backbone", kBackbone,
               "--images", dir_->path() + "/more/", "--save", "--chain", "dark@1", "--retrieval",
               "0", "--quiet", "--json"});
  ASSERT_EQ(more.exit_code, 0) << more.err;
  EXPECT_EQ(more.json()["saved"], "kept@3");
  ASSERT_EQ(Eval("kept@3", {"--save", "--retrieval", "0"}).exit_code, 0);
  const Json card =
      Command({"transform", "show", "kept@4", "--store", Store(), "--json"}).json()["card"];
  ASSERT_EQ(card["entries"].size(), 2u) << "measured again on test: replaced";
  EXPECT_EQ(card["entries"][0]["data"], "test");
  EXPECT_EQ(card["entries"][1]["data"], "more");
  EXPECT_TRUE(card["measures"].contains("chain_r2(dark@1)"));
}

TEST_F(TransformEval, MeasuresTheWayBack) {
  Register("mirror", "same", "hflip");
  const CommandResult self = Eval("mirror", {"--json", "--retrieval", "0"});
  ASSERT_EQ(self.exit_code, 0) << self.err;
  EXPECT_EQ(self.json()["inverse"], "mirror@1");
  EXPECT_EQ(self.json()["entry"]["r2"], 0) << "Ω does nothing";
  EXPECT_EQ(self.json()["measures"]["inverse_r2"], 1);

  Register("there", "half", "rotate(15)");
  const CommandResult alone = Eval("there", {"--json", "--retrieval", "0"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_TRUE(alone.json()["inverse"].is_null());
  Register("back", "double", "rotate(-15)");
  const CommandResult both = Eval("there", {"--json", "--retrieval", "0"});
  ASSERT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(both.json()["inverse"], "back@1");
  EXPECT_EQ(both.json()["measures"]["inverse_r2"], 1);
}

TEST_F(TransformEval, MeasuresAChainAgainstTheImagesUnderBothOps) {
  Register("flip", "same", "vflip");
  const CommandResult result = Eval("flip", {"--chain", "dark@1", "--retrieval", "0", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json chain = result.json()["chain"];
  EXPECT_EQ(chain["second"], "dark@1");
  EXPECT_EQ(chain["op"], "vflip>brightness(0)");
  EXPECT_EQ(chain["first_r2"], 0);
  EXPECT_GT(chain["second_r2"], 0.999);
  EXPECT_DOUBLE_EQ(chain["r2"], chain["second_r2"]) << "a black image is black upside down as well";
  EXPECT_EQ(result.json()["measures"]["chain_r2(dark@1)"], chain["r2"]);
}

TEST_F(TransformEval, AsksAConditionalTransformForTheOpsThatAreNamed) {
  const CommandResult unnamed = Eval("lights");
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_NE(unnamed.err.find("brightness(0..1),hflip"), std::string::npos) << unnamed.err;
  EXPECT_EQ(Eval("lights", {"--op", "vflip"}).exit_code, 2);
  EXPECT_EQ(Eval("lights", {"--op", "brightness(1.4)"}).exit_code, 2) << "outside its range";

  const CommandResult both =
      Eval("lights", {"--op", "hflip>brightness(0.0)", "--retrieval", "0", "--save", "--json"});
  ASSERT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(both.json()["op"], "hflip>brightness(0)");
  EXPECT_EQ(both.json()["entry"]["data"], "test [hflip>brightness(0)]");
  EXPECT_GT(both.json()["entry"]["r2"], 0.999);
  EXPECT_EQ(both.json()["saved"], "lights@2");

  const CommandResult chain =
      Eval("lights@2",
           {"--op", "hflip", "--chain", "lights@1[brightness(0)]", "--retrieval", "0", "--json"});
  ASSERT_EQ(chain.exit_code, 0) << chain.err;
  EXPECT_EQ(chain.json()["inverse"], "lights@2[hflip]");
  EXPECT_EQ(chain.json()["chain"]["second"], "lights@1[brightness(0)]");
  EXPECT_GT(chain.json()["chain"]["r2"], 0.999);
  const Json show = Command({"transform", "show", "lights@2", "--store", Store(), "--json"}).json();
  EXPECT_EQ(show["op"], "brightness(0..1),hflip") << "the record keeps its family of ops";
}

TEST_F(TransformEval, PrintsForPeople) {
  const CommandResult result = Eval("dark@1", {"--chain", "dark@1", "--retrieval", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"dark@1 as brightness(0)", "MRR", "us_per_row", "chain dark@1>dark@1"}) {
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
  }
  Register("shown", "dark", "brightness(0)");
  ASSERT_EQ(Eval("shown@1", {"--save", "--retrieval", "3"}).exit_code, 0);
  const CommandResult show = Command({"transform", "show", "shown@2", "--store", Store()});
  for (const char* part : {"brightness(0)", "test", "MRR", "us_per_row"}) {
    EXPECT_NE(show.out.find(part), std::string::npos) << part << "\n" << show.out;
  }
}

TEST_F(TransformEval, NamesImagesThatCannotBeRead) {
  ASSERT_TRUE(WriteSyntheticImages(dir_->path() + "/damaged", {.seed = 3, .per_class = 1}).ok());
  dir_->Write("damaged/" + SyntheticClasses()[0] + "/zzz.png", "no image");
  const CommandResult result =
      Command({"transform", "eval", "dark@1", "--store", Store(), "--backbone", kBackbone,
               "--images", dir_->path() + "/damaged", "--retrieval", "0", "--quiet", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.json()["skipped"], 1);
  EXPECT_EQ(result.json()["entry"]["pairs"], 10);
  EXPECT_NE(result.err.find("zzz.png"), std::string::npos) << result.err;
}

TEST_F(TransformEval, RefusesWhatCannotWork) {
  EXPECT_EQ(Eval("nobody").exit_code, 3);
  EXPECT_EQ(Eval("dark@1", {"--op", "turn(3)"}).exit_code, 2);
  const CommandResult other = Eval("dark@1", {"--op", "hflip"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("brightness(0)"), std::string::npos) << other.err;
  EXPECT_EQ(Eval("dark@1", {"--chain", "nobody"}).exit_code, 3);
  EXPECT_EQ(Eval("dark@1", {"--chain", "dark@1>dark@1"}).exit_code, 2);
  EXPECT_EQ(Eval("dark@1", {"--chain", "dark@1[hflip]"}).exit_code, 2) << "it is not conditional";
  EXPECT_EQ(Eval("dark@1", {"--retrieval", "-1"}).exit_code, 2);

  std::vector<std::string> args = {"transform", "eval",     "dark@1",
                                   "--store",   Store(),    "--backbone",
                                   kBackbone,   "--images", dir_->path() + "/nowhere"};
  EXPECT_EQ(Command(args).exit_code, 3);
  args[8] = dir_->path() + "/test";
  args[6] = dir_->Write("other.pt", "another backbone");
  const CommandResult foreign = Command(args);
  EXPECT_EQ(foreign.exit_code, 4);
  EXPECT_NE(foreign.err.find("other.pt"), std::string::npos) << foreign.err;
  args[4] = dir_->path() + "/no-store";
  EXPECT_EQ(Command(args).exit_code, 3);
}

}  // namespace
}  // namespace augstore
