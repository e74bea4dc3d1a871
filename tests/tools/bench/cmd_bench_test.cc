#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

const std::string kBackbone = SourcePath("tools/demo_assets/backbone.pt");

// Tiny sizes, one repetition: what is measured means nothing, but everything is run.
class BenchCommand : public testing::Test {
 protected:
  CommandResult Bench(const std::string& part, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"bench",    part, "--quick",   "--quiet",
                                     "--dim",    "16", "--scale",   "0.01",
                                     "--repeat", "1",  "--seconds", "0.0001"};
    const std::string defaults[][2] = {
        {"--scratch", dir_.path()}, {"--program", ProgramPath()}, {"--backbone", kBackbone}};
    for (const auto& [flag, value] : defaults) {
      if (std::ranges::find(more, flag) != more.end()) continue;
      args.insert(args.end(), {flag, value});
    }
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddBenchCommand, std::move(args));
  }

  // The JSON of a part that ran; checks what holds for every part.
  Json Run(const std::string& part, const std::set<std::string>& tables, size_t targets) {
    const CommandResult result = Bench(part, {"--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    if (result.exit_code != 0) return Json();
    const Json json = result.json();
    for (const char* key : {"cpu", "cores", "quick", "repeat", "seconds", "scale", "dim"}) {
      EXPECT_TRUE(json.contains(key)) << key;
    }
    std::set<std::string> found;
    for (const auto& [name, rows] : json["tables"].items()) {
      found.insert(name);
      EXPECT_FALSE(rows.empty()) << name;
    }
    EXPECT_EQ(found, tables);
    EXPECT_EQ(json["targets"].size(), targets);
    for (const Json& target : json["targets"]) ExpectSound(target);
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path())) << "scratch folders are removed";
    return json;
  }

  static void ExpectSound(const Json& target) {
    const std::string direction = target["direction"];
    const double value = target["value"];
    const double wanted = target["target"];
    EXPECT_GT(value, 0) << target;
    ASSERT_TRUE(direction == "<=" || direction == ">=") << target;
    EXPECT_EQ(target["met"].get<bool>(), direction == "<=" ? value <= wanted : value >= wanted)
        << target;
  }

  TempDir dir_;
};

TEST_F(BenchCommand, ComparesTheEngineWithBareProductsAndLibTorch) {
  const Json json = Run("engine", {"engine", "engine_int8", "engine_precisions"}, 7);
  EXPECT_GT(json["tables"]["engine"][0]["rows/s one worker"], 0);
  EXPECT_GT(json["tables"]["engine_int8"][0]["over f32"], 0);
  EXPECT_EQ(json["tables"]["engine_precisions"][0]["over f32"], 1);
}

TEST_F(BenchCommand, ComparesGatheringWithMemcpyAndOtherStores) {
  const Json json = Run("store", {"shuffle", "store"}, 2);
  EXPECT_NEAR(json["tables"]["shuffle"][0]["moved"], 1.0 / 3, 0.05);
  EXPECT_EQ(json["tables"]["store"][0]["gather"], "memcpy");
  EXPECT_EQ(json["tables"]["store"][0]["of memcpy"], 1);
}

TEST_F(BenchCommand, ComparesAServersStreamsWithABareSocketAndTheEngine) {
  const Json json = Run("serve", {"serve"}, 4);
  for (const Json& row : json["tables"]["serve"]) EXPECT_GT(row["server CPU us/row"], 0) << row;
}

TEST_F(BenchCommand, CountsWhatManyHeadsOnOneStreamCost) {
  const Json json = Run("heads", {"heads_clients", "heads_one_pass"}, 4);
  for (const Json& row : json["tables"]["heads_clients"]) {
    EXPECT_EQ(row["built/batch"], 1) << row << ": clients of one stream share its batches";
  }
}

TEST_F(BenchCommand, ComparesIngestWithTheBackboneAlone) { Run("ingest", {"ingest"}, 2); }

TEST_F(BenchCommand, ComparesSmallWithLargeStores) {
  const Json json = Run("scale", {"scale"}, 3);
  EXPECT_GT(json["tables"]["scale"][0]["written/ingested"], 1) << "every row is written";
}

TEST_F(BenchCommand, ComparesTheSavingWithThePapersEquation) {
  const Json json = Run("paper", {"paper"}, 1);
  for (const Json& row : json["tables"]["paper"]) {
    EXPECT_LT(row["Eq. 8"], row["N"]) << "no more than Φ alone would save";
  }
}

TEST_F(BenchCommand, PrintsTablesThatSayWhatTheirRatiosAre) {
  const CommandResult result = Bench("store");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("'of memcpy': over copying the same rows"), std::string::npos);
  EXPECT_NE(result.out.find("store gather, resident / memcpy of random rows"), std::string::npos);
}

TEST_F(BenchCommand, RefusesAnUnknownPart) {
  const CommandResult result = Bench("everything");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("everything"), std::string::npos);
}

TEST_F(BenchCommand, NamesABackboneFileThatIsMissing) {
  const CommandResult result = Bench("ingest", {"--backbone", "/nowhere/phi.pt"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("there is no backbone file '/nowhere/phi.pt'"), std::string::npos);
  EXPECT_NE(result.err.find("--backbone"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(BenchCommand, NamesAProgramThatIsNoServer) {
  const CommandResult result = Bench("heads", {"--program", "/bin/true"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find("'/bin/true serve' did not say that it listens"), std::string::npos);
}

TEST_F(BenchCommand, NamesAScratchFolderThatCannotBeMade) {
  const std::string file = dir_.Write("file", "");
  const CommandResult result = Bench("store", {"--scratch", file + "/below"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_NE(result.err.find(file + "/below"), std::string::npos);
}

}  // namespace
}  // namespace augstore
