#include <cmath>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

CommandResult Command(std::vector<std::string> args) {
  return RunCommand(AddHeadGroup<true>, std::move(args));
}

// A store with the collection "blobs" and, when Train succeeded, heads of it.
class HeadCommands : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeBlobs(store(), "blobs").ok()); }

  // `more` may give a flag another value than the one that makes the test fast.
  CommandResult Train(const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"head",   "train",   "--store",      store(),
                                     "--json", "--quiet", "--collection", "blobs"};
    for (const auto& [flag, value] :
         {std::pair{"--arch", "linear"}, std::pair{"--lr", "0.05"}, std::pair{"--epochs", "5"},
          std::pair{"--batch-size", "64"}}) {
      if (std::ranges::find(more, flag) == more.end()) args.insert(args.end(), {flag, value});
    }
    args.insert(args.end(), more.begin(), more.end());
    return Command(args);
  }
  CommandResult OnStore(std::vector<std::string> args) {
    args.insert(args.begin(), "head");
    args.insert(args.end(), {"--store", store(), "--json"});
    return Command(args);
  }
  std::string store() const { return dir_.path() + "/db"; }

  TempDir dir_;
};

TEST_F(HeadCommands, TrainRegistersAHeadWithItsLineage) {
  const CommandResult trained = Train({"--stream-seed", "11", "--seed", "3"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Json json = trained.json();
  EXPECT_EQ(json["ref"], "blobs@1");
  EXPECT_EQ(json["test_accuracy"], 1.0);
  EXPECT_EQ(json["samples"], 5 * 240);
  EXPECT_EQ(json["collection"], "blobs@1");
  EXPECT_EQ(json["policy"], "identity");

  const Json show = OnStore({"show", "blobs"}).json();
  EXPECT_EQ(show["lineage"]["collection"], "blobs@1");
  EXPECT_EQ(show["lineage"]["collection_digest"].get<std::string>().size(), 64u);
  EXPECT_EQ(show["lineage"]["seed"], 3);
  EXPECT_EQ(show["lineage"]["stream_seed"], 11);
  EXPECT_EQ(show["lineage"]["epochs"], 5);
  EXPECT_EQ(show["lineage"]["batch_size"], 64);
  EXPECT_EQ(show["test_split"], "test");
  EXPECT_EQ(show["test_samples"], 60);
  EXPECT_EQ(show["classes"], Json::array({"red", "green", "blue"}));
  EXPECT_EQ(OnStore({"ls"}).json()["heads"][0], show);
}

TEST_F(HeadCommands, TrainWritesMetricsAndWeightsOfEveryHead) {
  const std::string out = dir_.path() + "/run";
  const CommandResult trained = Train({"--lr", "0.05,0.001", "--seed", "0,1", "--out", out});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  ASSERT_EQ(trained.json()["heads"].size(), 4u);
  std::ifstream metrics(out + "/metrics.jsonl");
  size_t lines = 0;
  for (std::string line; std::getline(metrics, line); ++lines)
    EXPECT_TRUE(Json::parse(line).contains("lr"));
  EXPECT_EQ(lines, 5u * 4);
  for (int h = 0; h < 4; ++h) {
    EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/head-{}.safetensors", out, h)));
    EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/head-{}.pt", out, h)));
  }
  EXPECT_EQ(OnStore({"ls"}).json()["heads"].size(), 1u) << "the best alone";
}

TEST_F(HeadCommands, TrainRegistersAllOrNoneWhenAsked) {
  const CommandResult all = Train({"--heads", "3", "--register", "all", "--name", "many"});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const Json report = all.json();
  const Json& best = report["heads"][report["best"].get<size_t>()];
  EXPECT_EQ(best["ref"], "many@3") << "the best is registered last, so that `many` means it";
  EXPECT_EQ(OnStore({"show", "many"}).json()["lineage"]["seed"], best["seed"]);
  EXPECT_EQ(OnStore({"ls", "many"}).json()["heads"].size(), 3u);
  const CommandResult none = Train({"--no-register", "--name", "none"});
  ASSERT_EQ(none.exit_code, 0) << none.err;
  EXPECT_TRUE(none.json()["ref"].is_null());
  EXPECT_EQ(OnStore({"show", "none"}).exit_code, 3);
}

TEST_F(HeadCommands, TrainOfOneHeadOfManyGivesTheSameWeights) {
  const std::string many = dir_.path() + "/many";
  const std::string one = dir_.path() + "/one";
  ASSERT_EQ(Train({"--seed", "4,5", "--out", many}).exit_code, 0);
  ASSERT_EQ(Train({"--seed", "5", "--out", one}).exit_code, 0);
  const auto read = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string bytes = read(many + "/head-1.safetensors");
  ASSERT_FALSE(bytes.empty());
  EXPECT_EQ(bytes, read(one + "/head.safetensors"));
}

TEST_F(HeadCommands, TrainNamesWhatIsWrong) {
  EXPECT_EQ(Train({"--arch", "mlp(0)"}).exit_code, 2);
  EXPECT_EQ(Train({"--heads", "3", "--lr", "1,2"}).exit_code, 2);
  EXPECT_EQ(Train({"--optimizer", "magic"}).exit_code, 2);
  EXPECT_EQ(Train({"--seed", "-1"}).exit_code, 2);
  EXPECT_EQ(Train({"--seed", "1,-1"}).exit_code, 2);
  EXPECT_EQ(Train({"--policy", "nobody"}).exit_code, 3);
  EXPECT_EQ(Train({"--test-split", "validation"}).exit_code, 3);
  const CommandResult split = Train({"--split", "training"});
  EXPECT_EQ(split.exit_code, 3);
  EXPECT_NE(split.err.find("train, test, unlabelled"), std::string::npos) << split.err;
  const CommandResult unlabelled = Train({"--split", "unlabelled"});
  EXPECT_EQ(unlabelled.exit_code, 4);
  EXPECT_NE(unlabelled.err.find("label"), std::string::npos) << unlabelled.err;
}

TEST_F(HeadCommands, TrainWithoutATestGoesByTheTrainingLoss) {
  const CommandResult trained = Train({"--test-split", ""});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(trained.json()["test_accuracy"].is_null());
  EXPECT_TRUE(OnStore({"show", "blobs"}).json()["test_accuracy"].is_null());
}

TEST_F(HeadCommands, EvalAgreesWithTheTestOfTraining) {
  const Json trained = Train().json();
  const CommandResult eval =
      OnStore({"eval", "blobs", "--collection", "blobs", "--split", "test", "--quiet"});
  ASSERT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_EQ(eval.json()["test_accuracy"], trained["test_accuracy"]);
  EXPECT_NEAR(eval.json()["test_loss"].get<double>(), trained["test_loss"].get<double>(), 1e-5);
  EXPECT_EQ(eval.json()["samples"], 60);
  EXPECT_EQ(eval.json()["per_class"].size(), 3u);
  EXPECT_EQ(eval.json()["per_class"][0]["samples"], 20);
}

TEST_F(HeadCommands, EvalRefusesAnotherBackboneNamingBothDigests) {
  ASSERT_EQ(Train().exit_code, 0);
  ASSERT_TRUE(MakeBlobs(store(), "other", 2).ok());
  for (const char* command : {"eval", "predict"}) {
    const CommandResult result = OnStore({command, "blobs", "--collection", "other"});
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_NE(result.err.find(BlobBackbone(1).Hex().substr(0, 12)), std::string::npos)
        << result.err;
    EXPECT_NE(result.err.find(BlobBackbone(2).Hex().substr(0, 12)), std::string::npos)
        << result.err;
  }
}

TEST_F(HeadCommands, PredictRefusesAnotherBackboneFileWithoutRegisteringIt) {
  ASSERT_EQ(Train().exit_code, 0);
  dir_.Write("photos/a/1.png", "no image, and never read");
  const std::string file = dir_.Write("other.pt", "another backbone");
  const CommandResult result =
      OnStore({"predict", "blobs", "--images", dir_.path() + "/photos", "--backbone", file});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_NE(result.err.find(BlobBackbone().Hex().substr(0, 12)), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(Sha256File(file)->Hex().substr(0, 12)), std::string::npos)
      << result.err;
  const auto database = Database::Open({.store = store(), .connect = {}});
  ASSERT_TRUE(database.ok());
  EXPECT_EQ((*database)->client().List<BackboneRecord>()->size(), 1u);
}

TEST_F(HeadCommands, EvalRefusesSamplesWithoutLabels) {
  ASSERT_EQ(Train().exit_code, 0);
  const CommandResult eval =
      OnStore({"eval", "blobs", "--collection", "blobs", "--split", "unlabelled"});
  EXPECT_EQ(eval.exit_code, 4);
  EXPECT_NE(eval.err.find("head predict"), std::string::npos) << eval.err;
}

TEST_F(HeadCommands, PredictWritesCsvWithQuotedKeys) {
  ASSERT_EQ(Train().exit_code, 0);
  const CommandResult csv = Command(
      {"head", "predict", "blobs", "--collection", "blobs", "--ids", "3,1", "--store", store()});
  ASSERT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_EQ(csv.out.substr(0, csv.out.find("0.")), "key,class,probability\n\"image,3\",red,");
  EXPECT_NE(csv.out.find("\n\"image,1\",green,"), std::string::npos) << csv.out;
}

TEST_F(HeadCommands, PredictCoversASplitAlsoWithoutLabels) {
  ASSERT_EQ(Train().exit_code, 0);
  const CommandResult result =
      OnStore({"predict", "blobs", "--collection", "blobs", "--split", "unlabelled", "--top", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json predictions = result.json()["predictions"];
  ASSERT_EQ(predictions.size(), 10u);
  EXPECT_EQ(predictions[0]["key"], "image,300");
  EXPECT_EQ(predictions[0]["class"], "red");
  ASSERT_EQ(predictions[0]["top"].size(), 2u);
  EXPECT_GE(predictions[0]["top"][0]["probability"], predictions[0]["top"][1]["probability"]);
}

TEST_F(HeadCommands, PredictNamesWhatIsMissing) {
  ASSERT_EQ(Train().exit_code, 0);
  EXPECT_EQ(OnStore({"predict", "blobs"}).exit_code, 2);
  EXPECT_EQ(OnStore({"predict", "blobs", "--images", "x"}).exit_code, 2) << "no --backbone";
  EXPECT_EQ(OnStore({"predict", "nobody", "--collection", "blobs"}).exit_code, 3);
  const CommandResult id = Command(
      {"head", "predict", "blobs", "--collection", "blobs", "--ids", "310", "--store", store()});
  EXPECT_EQ(id.exit_code, 3);
  EXPECT_EQ(id.out, "");
  EXPECT_EQ(OnStore({"predict", "blobs", "--collection", "blobs", "--split", "none"}).exit_code, 3);
}

}  // namespace
}  // namespace augstore
