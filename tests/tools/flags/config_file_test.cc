#include "tools/flags/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tools/commands.h"
#include "tools/flags/command_line.h"

namespace augstore {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A program with `serve`, which takes a file, and `head train`, which takes none.
class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() : program_("augstore", "About this program.") {
    const Command::Body ok = [] { return OkStatus(); };
    serve_ = program_.Add("serve", "Serve", "", ok);
    serve_->AddFlag("--config", &config_, "File").Env("AUGSTORE_CONFIG");
    serve_->AddFlag("--store", &store_, "Folder [AUGSTORE_TEST_STORE]");
    serve_->AddFlag("--listen", &listen_, "Addresses");
    serve_->AddFlag("--memory", &memory_, "MiB").Env("AUGSTORE_TEST_MEMORY").Range(16, 1024);
    serve_->AddFlag("--rate", &rate_, "A rate").Positive();
    serve_->AddFlag("--insecure", &insecure_, "Without keys");
    serve_->AddFlag("--json", &json_, "JSON");
    Command* train = program_.AddGroup("head", "Heads")->Add("train", "Train", "", ok);
    train->AddFlag("--lr", &rate_, "Learning rate");
    for (const char* name : {"AUGSTORE_CONFIG", "AUGSTORE_TEST_STORE", "AUGSTORE_TEST_MEMORY"}) {
      ::unsetenv(name);
    }
  }
  std::string Write(const std::string& text) const {
    std::ofstream(file()) << text;
    return file();
  }
  std::string file() const { return dir_.path() + "/augstore.toml"; }
  // Runs the words, so that the values are set.
  void Parse(std::vector<std::string> words) {
    const auto all = WithConfig(program_, std::move(words));
    ASSERT_TRUE(all.ok()) << all.status().ToString();
    const auto call = ParseCommandLine(program_, *all);
    ASSERT_TRUE(call.ok()) << call.status().ToString();
  }
  std::string Refusal(const std::string& text) {
    const auto read = ReadConfig(program_, Write(text), *serve_);
    EXPECT_EQ(read.status().code(), Code::kInvalidArgument) << text;
    return std::string(read.status().message());
  }

  TempDir dir_;
  Command program_;
  Command* serve_ = nullptr;
  std::string config_;
  std::string store_ = "here";
  std::vector<std::string> listen_;
  uint64_t memory_ = 64;
  double rate_ = 1;
  bool insecure_ = false;
  bool json_ = false;
};

TEST_F(ConfigFileTest, FillsFlagsFromTheFile) {
  Write(
      "[serve]\nstore = 'db'\nlisten = ['tcp://a', 'tls://b']\nmemory = 512\nrate = 0.5\n"
      "insecure = true\n[head]\n");
  Parse({"serve", "--config", file()});
  EXPECT_EQ(store_, "db");
  EXPECT_THAT(listen_, ElementsAre("tcp://a", "tls://b"));
  EXPECT_EQ(memory_, 512u);
  EXPECT_EQ(rate_, 0.5);
  EXPECT_TRUE(insecure_);
}

TEST_F(ConfigFileTest, ComesAfterFlagsAndTheEnvironmentAndBeforeDefaults) {
  Write("[serve]\nstore = 'file'\nmemory = 512\nrate = 2\nlisten = ['file']\n");
  ::setenv("AUGSTORE_CONFIG", file().c_str(), 1);
  ::setenv("AUGSTORE_TEST_MEMORY", "256", 1);
  ::setenv("AUGSTORE_TEST_STORE", "environment", 1);
  Parse({"serve", "--listen=word"});
  EXPECT_THAT(listen_, ElementsAre("word")) << "not added to what the file has";
  EXPECT_EQ(memory_, 256u);
  EXPECT_EQ(rate_, 2);
  EXPECT_EQ(store_, "here") << "which the command reads from the environment itself";
  ::setenv("AUGSTORE_TEST_MEMORY", "", 1);
  Parse({"serve", "--store", "word"});
  EXPECT_EQ(memory_, 512u) << "an empty variable is none";
  EXPECT_EQ(store_, "word");
}

TEST_F(ConfigFileTest, IsNotReadForOtherCommandsNorForHelp) {
  ::setenv("AUGSTORE_CONFIG", "/no/such/file", 1);
  Parse({"head", "train"});
  EXPECT_TRUE(WithConfig(program_, {"serve", "--help"}).ok());
  EXPECT_TRUE(WithConfig(program_, {}).ok());
  EXPECT_TRUE(WithConfig(program_, {"nothing"}).ok());
  EXPECT_TRUE(WithConfig(program_, {"serve", "--parent", "7"}).ok()) << "of another process";
  const Status none = WithConfig(program_, {"serve"}).status();
  EXPECT_EQ(none.code(), Code::kNotFound);
  EXPECT_THAT(none.message(), HasSubstr("/no/such/file"));
  ::setenv("AUGSTORE_CONFIG", dir_.path().c_str(), 1);
  EXPECT_THAT(WithConfig(program_, {"serve"}).status().message(),
              HasSubstr("is no file of settings"));
}

TEST_F(ConfigFileTest, TakesAnEmptyTextForNone) {
  Write("[serve]\nstore = ''\nlisten = []\nmemory = 512\ninsecure = false\n");
  Parse({"serve", "--config=" + file()});
  EXPECT_EQ(store_, "here");
  EXPECT_EQ(memory_, 512u);
  EXPECT_FALSE(insecure_);
}

TEST_F(ConfigFileTest, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(Refusal("[serve]\n\nmemry = 5\n"),
              HasSubstr("augstore.toml:3: 'memry' is no setting of augstore serve: did you mean "
                        "'memory'?"));
  EXPECT_THAT(Refusal("[sreve]\n"), HasSubstr("'sreve' is no command of augstore: did you mean "
                                              "'serve'?"));
  EXPECT_THAT(Refusal("serve = 5\n"), HasSubstr("write a table, [serve]"));
  EXPECT_THAT(Refusal("[serve]\nmemory = 5\n"),
              HasSubstr(":2: 'memory' is refused: --memory is 5: give a whole number from 16"));
  EXPECT_THAT(Refusal("[serve]\nmemory = 'much'\n"), HasSubstr("'memory' is a number"));
  EXPECT_THAT(Refusal("[serve]\nstore = 5\n"), HasSubstr("'store' is a text"));
  EXPECT_THAT(Refusal("[serve]\nstore = ['a']\n"), HasSubstr("has one value"));
  EXPECT_THAT(Refusal("[serve]\ninsecure = 1\n"), HasSubstr("is true or false"));
  EXPECT_THAT(Refusal("[serve]\njson = true\n"), HasSubstr("is no setting"));
  EXPECT_THAT(Refusal("[serve]\nlisten = ['a', '']\n"), HasSubstr("has an empty text"));
  EXPECT_THAT(Refusal("[serve]\nstore = \"a\\nb\"\n"), HasSubstr("has a control character"));
  EXPECT_THAT(Refusal("[head.train]\nlr = 3\n"),
              HasSubstr("'lr' has no effect: augstore head train reads no file"));
  EXPECT_THAT(Refusal("[serve\n"), HasSubstr("no TOML"));
  EXPECT_THAT(Refusal("[serve]\nmemory = 64\nmemory = 65\n"), HasSubstr("no TOML"));
}

TEST_F(ConfigFileTest, PrintsAFileOfDefaultsThatChangesNothing) {
  const std::string text = DefaultConfig(*serve_);
  EXPECT_THAT(text, HasSubstr("\n[serve]\n"));
  EXPECT_THAT(text, HasSubstr("\n# MiB\n# memory = 64\n"));
  EXPECT_THAT(text, HasSubstr("\n# listen = []\n"));
  EXPECT_THAT(text, HasSubstr("\n# insecure = false\n"));
  EXPECT_TRUE(ReadConfig(program_, Write(text), *serve_)->empty());
  std::string active = text;
  for (size_t at = 0; (at = active.find("\n# ", at)) != std::string::npos; ++at) {
    if (active.find(" = ", at) < active.find('\n', at + 1)) active.erase(at + 1, 2);
  }
  const auto values = ReadConfig(program_, Write(active), *serve_);
  ASSERT_TRUE(values.ok()) << values.status().ToString();
  for (const auto& [name, texts] : *values) EXPECT_EQ(texts, serve_->GetFlag(name).Texts()) << name;
  EXPECT_EQ(values->size(), 5u);
  Parse({"serve", "--config", file()});
  EXPECT_EQ(store_, "here");
  EXPECT_EQ(memory_, 64u);
}

TEST_F(ConfigFileTest, QuotesTexts) {
  const Flag& store = serve_->GetFlag("--store");
  const std::string odd = "a\"b\\c";
  const auto read =
      ReadConfig(program_, Write("[serve]\nstore = " + TomlText(store, {odd}) + "\n"), *serve_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_THAT(read->at("--store"), ElementsAre(odd));
}

TEST(ConfigFileOfTheRepositoryTest, HasEverySettingWithItsDefault) {
  Command program("augstore", "About this program.");
  AddServeCommand(&program);
  std::ifstream file(SourcePath("deploy/augstore.toml"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, DefaultConfig(*program.Find("serve")))
      << "run `augstore config default > deploy/augstore.toml`";
  // With every setting active, it still says what holds without it.
  const TempDir folder;
  std::string active = text;
  for (size_t at = 0; (at = active.find("\n# ", at)) != std::string::npos; ++at) {
    const size_t end = active.find('\n', at + 1);
    const size_t equals = active.find(" = ", at);
    if (equals < end && active.find(' ', at + 3) == equals) active.erase(at + 1, 2);
  }
  std::ofstream(folder.path() + "/all.toml") << active;
  const auto words = WithConfig(program, {"serve", "--config", folder.path() + "/all.toml"});
  ASSERT_TRUE(words.ok()) << words.status().ToString();
  EXPECT_GT(words->size(), 10u);
  EXPECT_TRUE(ParseCommandLine(program, *words).ok());
  EXPECT_EQ(DefaultConfig(*program.Find("serve")).substr(text.find("\n[serve]")),
            text.substr(text.find("\n[serve]")));
}

}  // namespace
}  // namespace augstore
