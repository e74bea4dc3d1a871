#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"
#include "tools/commands.h"
#include "tools/policy/policy_candidates.h"

namespace augstore {
namespace {

// y[(j + shift) % dim] = x[j]
Layers ShiftingLayers(uint32_t shift) {
  Layer layer;
  layer.shape = {kBlobDim, kBlobDim, Activation::kNone, false};
  layer.weight.assign(size_t{kBlobDim} * kBlobDim, 0);
  for (size_t j = 0; j < kBlobDim; ++j) layer.weight[(j + shift) % kBlobDim * kBlobDim + j] = 1;
  layer.bias.assign(kBlobDim, 0);
  return Layers{{layer}};
}

// The collection "blobs", whose classes differ in columns 0 to 2, and transforms that move all
// columns: "far@1" by 3, to where heads that never saw it know nothing.
class PolicyCommands : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeBlobs(store(), "blobs").ok());
    ASSERT_TRUE(AddTransform("far", 3, "vflip").ok());
  }

  Status AddTransform(const std::string& name, uint32_t shift, const std::string& op,
                      bool proven = true) {
    AUGSTORE_ASSIGN(const auto database, Database::Open({.store = store(), .connect = {}}));
    const Layers layers = ShiftingLayers(shift);
    const std::string blob = layers.ToSafetensors();
    TransformRecord record;
    record.backbone = BlobBackbone();
    record.dim = kBlobDim;
    record.op = op;
    record.family = "custom";
    record.layers = layers.shapes();
    record.weights = Sha256({reinterpret_cast<const uint8_t*>(blob.data()), blob.size()});
    CardEntry entry;
    entry.data = "held-out";
    entry.r2 = 0.5;
    entry.r2_low = proven ? 0.25 : -0.25;
    entry.r2_high = 0.75;
    record.card.entries = {entry};
    AUGSTORE_TRY(database->client().Add(RecordKind::kTransform, name, Encode(record), blob));
    return OkStatus();
  }

  CommandResult Search(const std::vector<std::string>& more) {
    std::vector<std::string> args = {
        "policy", "search", "--store", store(), "--json",   "--quiet", "--collection", "blobs",
        "--arch", "linear", "--lr",    "0.05",  "--epochs", "4",       "--batch-size", "32"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddPolicyCommands, args);
  }
  // The exit code of a refusal, which must say `what`.
  int Refusal(const std::vector<std::string>& more, const std::string& what) {
    const CommandResult result = Search(more);
    EXPECT_NE(result.err.find(what), std::string::npos) << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
    return result.exit_code;
  }
  std::string store() const { return dir_.path() + "/db"; }

  TempDir dir_;
};

std::set<std::string> Policies(const Json& json) {
  std::set<std::string> out;
  for (const Json& entry : json["ranking"]) out.insert(entry["policy"].get<std::string>());
  return out;
}

TEST_F(PolicyCommands, FindsThePolicyThatShiftedValidationSamplesNeed) {
  const CommandResult found = Search({"--transforms", "far", "--validate-with", "far"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const Json json = found.json();
  EXPECT_EQ(Policies(json),
            (std::set<std::string>{"identity", "identity,far@1", "identity:3,far@1"}));
  const Json& best = json["ranking"][0];
  EXPECT_EQ(json["recommended"]["policy"], best["policy"]);
  EXPECT_EQ(best["verdict"], "better");
  EXPECT_GT(best["low"], 0.2);
  EXPECT_GT(best["accuracy"], 0.9);
  EXPECT_GT(best["multiply_adds"], 0);
  EXPECT_EQ(best["seeds"], 5);
  const Json& last = json["ranking"][2];
  EXPECT_EQ(last["policy"], "identity");
  EXPECT_EQ(last["verdict"], "baseline");
  EXPECT_EQ(json["collection"], "blobs@1");
  EXPECT_EQ(json["split_samples"], 240);
  EXPECT_EQ(json["validation"]["samples"], 48);
  EXPECT_EQ(json["validation"]["views"], 4);
  EXPECT_EQ(json["rounds"].size(), 1u);
  EXPECT_EQ(json["head_epochs"], 3 * 5 * 4);
}

TEST_F(PolicyCommands, RecommendsIdentityWhereNothingHelps) {
  const CommandResult found = Search({"--candidates", "identity:1,far:1; far:1"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const Json json = found.json();
  EXPECT_EQ(json["recommended"]["policy"], "identity");
  EXPECT_EQ(Policies(json), (std::set<std::string>{"identity", "identity,far@1", "far@1"}));
  EXPECT_EQ(json["ranking"][2]["policy"], "far@1");
  EXPECT_EQ(json["ranking"][2]["verdict"], "worse");
}

TEST_F(PolicyCommands, GivesTheSameRankingAgain) {
  const std::vector<std::string> args = {"--candidates", "identity:1,far:1", "--candidates",
                                         "far",          "--seed",           "3"};
  Json a = Search(args).json();
  Json b = Search(args).json();
  a.erase("seconds");
  b.erase("seconds");
  EXPECT_EQ(a, b);
}

TEST_F(PolicyCommands, TriesTheBestProvenVersionOfEveryTransformByDefault) {
  ASSERT_TRUE(AddTransform("far", 4, "vflip").ok());
  ASSERT_TRUE(AddTransform("far", 5, "vflip", false).ok());
  ASSERT_TRUE(AddTransform("near", 1, "hflip").ok());
  ASSERT_TRUE(AddTransform("unproven", 2, "hflip", false).ok());
  const CommandResult found = Search({"--keep", "6", "--seeds", "2", "--views", "1,2"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const Json json = found.json();
  EXPECT_EQ(Policies(json), (std::set<std::string>{"identity", "identity,far@2", "identity:3,far@2",
                                                   "identity,near@1", "identity:3,near@1",
                                                   "identity,far@2,near@1"}));
  EXPECT_EQ(json["ranking"].size(), 12u) << "each with one and with two views";
  EXPECT_EQ(json["rounds"].size(), 2u);
}

TEST_F(PolicyCommands, TriesTheChampionWhereThereIsOne) {
  ASSERT_TRUE(AddTransform("far", 4, "vflip").ok());
  SetAliasRequest request{.name = "far", .alias = "champion", .version = 1, .note = ""};
  {
    const auto database = Database::Open({.store = store(), .connect = {}});
    ASSERT_TRUE(database.ok());
    const Status moved = (*database)->client().Call<EndReply>(request).status();
    ASSERT_TRUE(moved.ok()) << moved.ToString();
  }
  const CommandResult found = Search({"--seeds", "2"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ(Policies(found.json()),
            (std::set<std::string>{"identity", "identity,far@1", "identity:3,far@1"}));
}

TEST_F(PolicyCommands, PrintsATableForPeople) {
  CommandResult found = RunCommand(
      AddPolicyCommands,
      {"policy", "search", "--store", store(), "--quiet", "--collection", "blobs", "--arch",
       "linear", "--lr", "0.05", "--epochs", "4", "--transforms", "far", "--validate-with", "far"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  for (const char* text : {"identity,far@1", "better", "baseline",
                           "recommended: ", "head train --collection blobs", "round 1: 2 policies"})
    EXPECT_NE(found.out.find(text), std::string::npos) << text << " in\n" << found.out;
}

TEST_F(PolicyCommands, RefusesToLookAtTheTestSplit) {
  const std::string what = "'test'";
  EXPECT_EQ(Refusal({"--transforms", "far", "--split", "test"}, what), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--validation-split", "test"}, what), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--split", ""}, what), 2);
}

TEST_F(PolicyCommands, RefusesPoliciesThatCannotBe) {
  EXPECT_EQ(Refusal({"--candidates", "identity:1,nobody:1"}, "nobody"), 3);
  EXPECT_EQ(Refusal({"--transforms", "far,nobody"}, "nobody"), 3);
  EXPECT_EQ(Refusal({"--candidates", ""}, "empty policy"), 2);
  EXPECT_EQ(Refusal({"--candidates", "identity"}, "nothing to choose"), 2);
  EXPECT_EQ(Refusal({"--candidates", "far:x"}, "far:x"), 2);
}

TEST_F(PolicyCommands, RefusesNumbersThatCannotBe) {
  EXPECT_EQ(Refusal({"--transforms", "far", "--budget", "20"}, "give at least 60"), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--seeds", "1"}, "--seeds"), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--lr", "-1"}, "--lr"), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--split", "none"}, "none"), 3);
  EXPECT_EQ(Refusal({"--transforms", "far", "--validation-split", "train"}, "train"), 2);
  EXPECT_EQ(Refusal({"--transforms", "far", "--validation-split", "unlabelled"}, "0 of the 10"), 4);
}

TEST(PolicySearchCommand, SaysHowToMakeATransformWhenThereIsNone) {
  TempDir dir;
  ASSERT_TRUE(MakeBlobs(dir.path(), "blobs").ok());
  const CommandResult result = RunCommand(
      AddPolicyCommands, {"policy", "search", "--store", dir.path(), "--collection", "blobs"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find("transform train"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace augstore
