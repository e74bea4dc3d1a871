#include "tools/transform/cmd_transform.h"

#include "schemas/base/names.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli/command_runner.h"

namespace augstore {
namespace {

CommandResult Command(std::vector<std::string> args) {
  return RunCommand(AddTransformGroup<true>, std::move(args));
}

Layers SquareLayers(uint32_t dim, float weight) {
  Layers layers;
  layers.layers.push_back({{dim, dim, Activation::kNone, false},
                           std::vector<float>(size_t{dim} * dim, weight),
                           std::vector<float>(dim, 0.0f)});
  return layers;
}

class TransformCommands : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeBlobs(dir_.path() + "/db", "blobs").ok());
    weights_ = dir_.Write("w.safetensors", SquareLayers(kBlobDim, 0.5f).ToSafetensors());
  }
  CommandResult Register(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"transform", "register",   "--store", store(),
                                     "--json",    "--name",     name,      "--weights",
                                     weights_,    "--backbone", "blobs"};
    args.insert(args.end(), more.begin(), more.end());
    return Command(args);
  }
  std::string store() const { return dir_.path() + "/db"; }

  TempDir dir_;
  std::string weights_;
};

TEST(DefaultTransformName, DropsTheParenthesesOfOneParameter) {
  EXPECT_EQ(DefaultTransformName("rotate(15)"), "rotate15");
  EXPECT_EQ(DefaultTransformName("zoom(1.25)"), "zoom1.25");
  EXPECT_EQ(DefaultTransformName("rotate(-15)"), "rotate-15");
  EXPECT_EQ(DefaultTransformName("hflip"), "hflip");
}

TEST(DefaultTransformName, KeepsTheTextOfSeveralParametersWhichIsANameToo) {
  EXPECT_EQ(DefaultTransformName("translate(2,-1)"), "translate(2,-1)");
  EXPECT_TRUE(ValidateName(DefaultTransformName("translate(2,-1)")).ok());
}

TEST_F(TransformCommands, RegisterListAndShowAgree) {
  const CommandResult added = Register("rot", {"--op", "rotate(15.0)"});
  ASSERT_EQ(added.exit_code, 0) << added.err;
  EXPECT_EQ(added.json()["ref"], "rot@1");
  EXPECT_EQ(added.json()["op"], "rotate(15)") << "the canonical text";
  ASSERT_EQ(Register("rot").exit_code, 0);

  const CommandResult list = Command({"transform", "ls", "--store", store(), "--json"});
  ASSERT_EQ(list.exit_code, 0) << list.err;
  ASSERT_EQ(list.json()["transforms"].size(), 2u);
  EXPECT_EQ(list.json()["transforms"][1]["ref"], "rot@2");

  const CommandResult show = Command({"transform", "show", "rot@1", "--store", store(), "--json"});
  ASSERT_EQ(show.exit_code, 0) << show.err;
  EXPECT_EQ(show.json()["family"], "custom");
  EXPECT_EQ(show.json()["backbone"], BlobBackbone().Hex());
  EXPECT_EQ(show.json()["multiply_adds"], 64);
  EXPECT_TRUE(show.json()["card"]["entries"].empty());
  EXPECT_EQ(show.json(), list.json()["transforms"][0]);
}

TEST_F(TransformCommands, PrintForPeople) {
  ASSERT_EQ(Register("rot", {"--op", "rotate(15)"}).exit_code, 0);
  const CommandResult list = Command({"transform", "ls", "--store", store()});
  EXPECT_NE(list.out.find("rot@1"), std::string::npos) << list.out;
  const CommandResult show = Command({"transform", "show", "rot", "--store", store()});
  EXPECT_NE(show.out.find("registered without data"), std::string::npos) << show.out;
}

TEST_F(TransformCommands, RegisterTakesADigestOfABackboneThatIsNotRegistered) {
  const std::string digest(64, 'a');
  const CommandResult added =
      Command({"transform", "register", "--store", store(), "--json", "--name", "t", "--weights",
               weights_, "--backbone-digest", digest});
  ASSERT_EQ(added.exit_code, 0) << added.err;
  EXPECT_EQ(added.json()["backbone"], digest);
}

TEST_F(TransformCommands, RegisterRefusesWhatCannotWork) {
  EXPECT_EQ(Register("bad name").exit_code, 2);
  EXPECT_EQ(Register("t", {"--op", "explode(3)"}).exit_code, 2);
  EXPECT_EQ(Register("t", {"--backbone-digest", std::string(64, 'a')}).exit_code, 2)
      << "both given";
  weights_ = dir_.Write("bad.safetensors", "no safetensors at all");
  const CommandResult damaged = Register("t");
  EXPECT_EQ(damaged.exit_code, 2);
  EXPECT_NE(damaged.err.find("bad.safetensors"), std::string::npos) << damaged.err;
  weights_ = dir_.path() + "/none.safetensors";
  EXPECT_EQ(Register("t").exit_code, 3);
  weights_ = dir_.Write("wide.safetensors", SquareLayers(kBlobDim + 1, 1).ToSafetensors());
  const CommandResult wide = Register("t");
  EXPECT_EQ(wide.exit_code, 4) << "the backbone's dim differs";
  EXPECT_NE(wide.err.find("9"), std::string::npos) << wide.err;
}

TEST_F(TransformCommands, RegisterNamesAnUnknownBackbone) {
  const CommandResult result = Command({"transform", "register", "--store", store(), "--name", "t",
                                        "--weights", weights_, "--backbone", "nobody"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("nobody"), std::string::npos) << result.err;
}

TEST_F(TransformCommands, AliasMovesAndKeepsItsHistory) {
  ASSERT_EQ(Register("rot").exit_code, 0);
  ASSERT_EQ(Register("rot").exit_code, 0);
  const auto move = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"transform", "alias", "rot", "champion"});
    args.insert(args.end(), {"--store", store()});
    return Command(std::move(args));
  };
  // Registered as weights, it has no card that shows what it is worth.
  const CommandResult refused = move({"1"});
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
  ASSERT_EQ(move({"1", "--force"}).exit_code, 0);
  ASSERT_EQ(move({"2", "--note", "better", "--force"}).exit_code, 0);
  const CommandResult history =
      Command({"transform", "alias", "rot", "--store", store(), "--json"});
  ASSERT_EQ(history.exit_code, 0) << history.err;
  EXPECT_EQ(history.json()["aliases"]["champion"], 2);
  ASSERT_EQ(history.json()["moves"].size(), 2u);
  EXPECT_EQ(history.json()["moves"][1]["note"], "better");
  EXPECT_EQ(history.json()["moves"][1]["forced"], true);
  const CommandResult show =
      Command({"transform", "show", "rot@champion", "--store", store(), "--json"});
  EXPECT_EQ(show.json()["ref"], "rot@2");
  EXPECT_EQ(show.json()["aliases"], Json::array({"champion"}));
}

TEST_F(TransformCommands, AliasRefusesWhatDoesNotExist) {
  ASSERT_EQ(Register("rot").exit_code, 0);
  EXPECT_EQ(Command({"transform", "alias", "rot", "champion", "9", "--store", store()}).exit_code,
            3);
  EXPECT_EQ(Command({"transform", "alias", "nobody", "--store", store()}).exit_code, 3);
  EXPECT_EQ(Command({"transform", "alias", "rot", "champion", "--store", store()}).exit_code, 2);
  EXPECT_EQ(Command({"transform", "alias", "rot", "9lives", "1", "--store", store()}).exit_code, 2);
}

TEST_F(TransformCommands, ShowAndListNameWhatIsMissing) {
  EXPECT_EQ(Command({"transform", "show", "nobody", "--store", store()}).exit_code, 3);
  EXPECT_EQ(Command({"transform", "ls", "nobody", "--store", store()}).exit_code, 3);
  const CommandResult empty = Command({"transform", "ls", "--store", store()});
  EXPECT_EQ(empty.exit_code, 0);
  EXPECT_NE(empty.out.find("transform train"), std::string::npos);
}

TEST(TransformTrain, RefusesBadFlagsBeforeAnythingIsOpened) {
  TempDir dir;
  const std::string store = dir.path() + "/db";
  const auto train = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"transform",  "train",   "--store",  store,
                                     "--backbone", "none.pt", "--images", dir.path() + "/none"};
    args.insert(args.end(), more.begin(), more.end());
    return Command(args);
  };
  EXPECT_EQ(train({"--op", "explode"}).exit_code, 2);
  EXPECT_EQ(train({"--op", "hflip", "--family", "magic"}).exit_code, 2);
  EXPECT_EQ(train({"--op", "hflip", "--validation", "1.5"}).exit_code, 2);
  EXPECT_EQ(train({"--op", "hflip", "--alias", "9x"}).exit_code, 2);
  EXPECT_EQ(train({"--op", "hflip", "--name", "a b"}).exit_code, 2);
  const CommandResult missing = train({"--op", "hflip"});
  EXPECT_EQ(missing.exit_code, 3) << missing.err;
  EXPECT_FALSE(std::filesystem::exists(store)) << "no store is made for a command that cannot work";
}

}  // namespace
}  // namespace augstore
