#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A store with the collection "blobs".
class HeadFitCommand : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(MakeBlobs(store(), "blobs").ok()); }

  CommandResult Head(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"head", command, "--store", store(), "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return RunCommand(AddHeadGroup<true>, args);
  }
  CommandResult Fit(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--collection", "blobs", "--quiet"});
    return Head("fit", more);
  }
  std::string store() const { return dir_.path() + "/db"; }

  TempDir dir_;
};

TEST_F(HeadFitCommand, FitsAllKindsFromOnePassAndRegistersTheBest) {
  const CommandResult fitted = Fit({"--stream-seed", "11", "--seed", "3"});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const Json json = fitted.json();
  EXPECT_EQ(json["ref"], "blobs@1");
  EXPECT_EQ(json["arch"], "linear");
  EXPECT_EQ(json["test_accuracy"], 1.0);
  EXPECT_EQ(json["samples"], 240) << "one pass";
  ASSERT_EQ(json["heads"].size(), 3u);
  EXPECT_EQ(json["heads"][0]["optimizer"], "ridge");
  EXPECT_EQ(json["heads"][1]["optimizer"], "lda");
  EXPECT_EQ(json["heads"][2]["optimizer"], "means");
  EXPECT_GT(json["heads"][0]["weight_decay"], 0);
  EXPECT_EQ(json["heads"][2]["weight_decay"], 0);

  const Json list = Head("ls", {}).json()["heads"];
  ASSERT_EQ(list.size(), 1u) << "the best alone";
  const Json& head = list[0];
  const Json& best = json["heads"][json["best"].get<size_t>()];
  EXPECT_EQ(head["arch"], "linear");
  EXPECT_EQ(head["layers"].size(), 1u);
  EXPECT_EQ(head["lineage"]["optimizer"], best["optimizer"]);
  EXPECT_EQ(head["lineage"]["weight_decay"], best["weight_decay"]);
  EXPECT_EQ(head["lineage"]["lr"], 0);
  EXPECT_EQ(head["lineage"]["epochs"], 1);
  EXPECT_EQ(head["lineage"]["seed"], 3);
  EXPECT_EQ(head["lineage"]["stream_seed"], 11);
  EXPECT_EQ(head["test_samples"], 60);
}

TEST_F(HeadFitCommand, TheRegisteredHeadTestsAsItWasReported) {
  for (const char* kind : {"ridge", "lda", "means"}) {
    const CommandResult fitted = Fit({"--kind", kind, "--name", kind});
    ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
    const CommandResult eval =
        Head("eval", {kind, "--collection", "blobs", "--split", "test", "--quiet"});
    ASSERT_EQ(eval.exit_code, 0) << eval.err;
    EXPECT_EQ(eval.json()["test_accuracy"], fitted.json()["test_accuracy"]) << kind;
    EXPECT_NEAR(eval.json()["test_loss"].get<double>(), fitted.json()["test_loss"].get<double>(),
                1e-4)
        << kind;
  }
}

TEST_F(HeadFitCommand, WritesMetricsAndWeightsOfEveryHead) {
  const std::string out = dir_.path() + "/run";
  ASSERT_EQ(Fit({"--out", out, "--epochs", "2", "--no-register"}).exit_code, 0);
  std::ifstream metrics(out + "/metrics.jsonl");
  size_t lines = 0;
  for (std::string line; std::getline(metrics, line); ++lines) {
    EXPECT_EQ(Json::parse(line)["epoch"], 2);
    EXPECT_EQ(Json::parse(line)["head"], lines);
  }
  EXPECT_EQ(lines, 3u);
  for (int h = 0; h < 3; ++h) {
    EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/head-{}.safetensors", out, h)));
    EXPECT_TRUE(std::filesystem::exists(fmt::format("{}/head-{}.pt", out, h)));
  }
  EXPECT_EQ(Head("ls", {}).json()["heads"].size(), 0u);
}

TEST_F(HeadFitCommand, RegistersAllWhenAsked) {
  const CommandResult all = Fit({"--register", "all", "--kind", "lda,means", "--name", "many"});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const Json report = all.json();
  ASSERT_EQ(report["heads"].size(), 2u);
  for (size_t h = 0; h < 2; ++h) {
    const bool best = report["best"] == h;
    EXPECT_EQ(report["heads"][h]["ref"], best ? "many@2" : "many@1") << "the best comes last";
    const std::string ref = report["heads"][h]["ref"];
    EXPECT_EQ(Head("show", {ref}).json()["lineage"]["optimizer"], h == 0 ? "lda" : "means");
  }
}

TEST_F(HeadFitCommand, GivesTheSameWeightsForAnyBatchSize) {
  for (const char* size : {"7", "1024"}) {
    const CommandResult fitted = Fit({"--kind", "ridge", "--batch-size", size, "--no-register",
                                      "--out", dir_.path() + "/" + size});
    ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  }
  const std::string bytes = ReadBytes(dir_.path() + "/7/head.safetensors");
  ASSERT_FALSE(bytes.empty());
  EXPECT_EQ(bytes, ReadBytes(dir_.path() + "/1024/head.safetensors"));
}

TEST_F(HeadFitCommand, WithoutATestGoesByTheHeldOutLoss) {
  const CommandResult fitted = Fit({"--test-split", ""});
  ASSERT_EQ(fitted.exit_code, 0) << fitted.err;
  const Json json = fitted.json();
  EXPECT_TRUE(json["test_accuracy"].is_null());
  for (const Json& head : json["heads"]) EXPECT_GE(head["train_loss"], json["train_loss"]);
}

TEST_F(HeadFitCommand, NamesWhatIsWrong) {
  EXPECT_EQ(Fit({"--kind", "magic"}).exit_code, 2);
  EXPECT_EQ(Fit({"--kind", "lda,lda"}).exit_code, 2);
  EXPECT_EQ(Fit({"--epochs", "0"}).exit_code, 2);
  EXPECT_EQ(Fit({"--policy", "nobody"}).exit_code, 3);
  EXPECT_EQ(Fit({"--split", "training"}).exit_code, 3);
  const CommandResult unlabelled = Fit({"--split", "unlabelled"});
  EXPECT_EQ(unlabelled.exit_code, 4);
  EXPECT_NE(unlabelled.err.find("label"), std::string::npos) << unlabelled.err;
}

TEST_F(HeadFitCommand, TrainGoesOnFromAFittedHead) {
  ASSERT_EQ(Fit({"--kind", "means", "--name", "start"}).exit_code, 0);
  const auto train = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> args = {
        "--collection", "blobs", "--quiet",       "--epochs", "1",
        "--lr",         "1e-4",  "--no-register", "--out",    dir_.path() + "/" + out};
    args.insert(args.end(), more.begin(), more.end());
    return Head("train", args);
  };
  const CommandResult cold = train("cold", {"--arch", "linear"});
  const CommandResult warm = train("warm", {"--arch", "linear", "--init", "start"});
  ASSERT_EQ(warm.exit_code, 0) << warm.err;
  EXPECT_LT(warm.json()["train_loss"], cold.json()["train_loss"]);
  EXPECT_EQ(warm.json()["test_accuracy"], 1.0);
  ASSERT_EQ(train("again", {"--arch", "linear", "--init", "start@1", "--seed", "9"}).exit_code, 0);
  EXPECT_EQ(ReadBytes(dir_.path() + "/warm/head.safetensors"),
            ReadBytes(dir_.path() + "/again/head.safetensors"));
}

TEST_F(HeadFitCommand, TrainRefusesAStartThatDoesNotFit) {
  ASSERT_EQ(Fit({"--name", "start"}).exit_code, 0);
  const std::vector<std::string> common = {"--collection", "blobs", "--quiet", "--init"};
  const auto train = [&](std::vector<std::string> more) {
    more.insert(more.begin(), common.begin(), common.end());
    return Head("train", more);
  };
  const CommandResult arch = train({"start", "--arch", "mlp(8)"});
  EXPECT_EQ(arch.exit_code, 4);
  EXPECT_NE(arch.err.find("give --arch linear"), std::string::npos) << arch.err;
  EXPECT_EQ(train({"nobody", "--arch", "linear"}).exit_code, 3);
  ASSERT_TRUE(MakeBlobs(store(), "other", 2).ok());
  const CommandResult backbone =
      Head("train", {"--collection", "other", "--init", "start", "--arch", "linear", "--quiet"});
  EXPECT_EQ(backbone.exit_code, 4);
  EXPECT_NE(backbone.err.find(BlobBackbone(1).Hex().substr(0, 12)), std::string::npos)
      << backbone.err;
}

}  // namespace
}  // namespace augstore
