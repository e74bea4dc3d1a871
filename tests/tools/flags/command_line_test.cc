#include "tools/flags/command_line.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/places.h"
#include "tools/commands.h"

namespace augstore {
namespace {

// A program with `stream` and a group `head`, of `train` and `ls`.
class CommandLine : public testing::Test {
 protected:
  CommandLine() : program_("augstore", "About this program.") {
    program_.SetVersion("augstore 1");
    stream_ = program_.Add("stream", "Pull batches", "Example:\n  augstore stream", Ok());
    stream_->AddFlag("--connect", &connect_, "Address");
    stream_->AddFlag("--collection", &collection_, "Collection").Required();
    stream_->AddFlag("--memory", &memory_, "MiB").Env("AUGSTORE_TEST_MEMORY").Range(16, 1024);
    stream_->AddFlag("--op", &ops_, "Ops");
    Command* head = program_.AddGroup("head", "Heads");
    train_ = head->Add("train", "Train", "", Ok());
    train_->AddFlag("--lr", &rate_, "Learning rate");
    Command* ls = head->Add("ls", "List", "", Ok());
    ls->AddFlag("name", &name_, "Only this");
    ::unsetenv("AUGSTORE_TEST_MEMORY");
  }
  static Command::Body Ok() {
    return [] { return OkStatus(); };
  }
  std::string Refusal(const std::vector<std::string>& words) {
    const auto call = ParseCommandLine(program_, words);
    EXPECT_EQ(call.status().code(), Code::kInvalidArgument);
    return std::string(call.status().message());
  }
  std::string Help(const std::vector<std::string>& words) {
    const auto call = ParseCommandLine(program_, words);
    EXPECT_TRUE(call.ok() && call->command == nullptr) << call.status().ToString();
    return call.ok() ? call->help : "";
  }

  Command program_;
  Command* stream_;
  Command* train_;
  std::string connect_;
  std::string collection_;
  std::string name_;
  std::vector<std::string> ops_;
  uint64_t memory_ = 64;
  double rate_ = 0.5;
};

TEST_F(CommandLine, FillsInFlagsAndFindsTheCommand) {
  const auto call = ParseCommandLine(
      program_, {"stream", "--collection=x", "--op", "shift(1,2)", "--op", "flip"});
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_EQ(call->command, stream_);
  EXPECT_EQ(collection_, "x");
  EXPECT_EQ(ops_, (std::vector<std::string>{"shift(1,2)", "flip"}));
  EXPECT_EQ(memory_, 64u);
  const auto other = ParseCommandLine(program_, {"head", "train", "--lr", "-1"});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->command, train_);
  EXPECT_EQ(rate_, -1);
}

TEST_F(CommandLine, ShowsTheHelpAlsoWhereTheEnvironmentHasABadValue) {
  ::setenv("AUGSTORE_TEST_MEMORY", "abc", 1);
  const std::string help = Help({"stream", "--help"});
  ::unsetenv("AUGSTORE_TEST_MEMORY");
  EXPECT_NE(help.find("--memory"), std::string::npos) << help;
}

TEST_F(CommandLine, ReadsTheEnvironmentWhereAFlagIsNotGiven) {
  ::setenv("AUGSTORE_TEST_MEMORY", "128", 1);
  ASSERT_TRUE(ParseCommandLine(program_, {"stream", "--collection", "x"}).ok());
  EXPECT_EQ(memory_, 128u);
  ASSERT_TRUE(ParseCommandLine(program_, {"stream", "--collection", "x", "--memory", "32"}).ok());
  EXPECT_EQ(memory_, 32u);
  ::unsetenv("AUGSTORE_TEST_MEMORY");
}

TEST_F(CommandLine, SuggestsTheCommandThatWasMeant) {
  EXPECT_EQ(Refusal({"steram", "--collection", "x"}),
            "augstore has no command 'steram': did you mean 'stream'?\nIts commands are: stream, "
            "head");
  EXPECT_EQ(Refusal({"head", "trian", "--lr", "1"}),
            "augstore head has no command 'trian': did you mean 'train'?\nIts commands are: train, "
            "ls");
  EXPECT_EQ(Refusal({"head", "delete"}),
            "augstore head has no command 'delete'\nIts commands are: train, ls");
  EXPECT_EQ(Refusal({"head"}), "augstore head needs a command, one of: train, ls");
  EXPECT_EQ(Refusal({"head", "ls", "a", "b"}), "'b' is one word too many for augstore head ls");
}

TEST_F(CommandLine, SaysHowManyValuesAFlagTakes) {
  EXPECT_EQ(Refusal({"stream", "--collection", "a", "--collection", "b"}),
            "--collection is given more than once: give it once");
  EXPECT_EQ(Refusal({"stream", "--collection"}), "--collection needs a value after it");
}

TEST_F(CommandLine, NamesAnUnknownFlagBeforeAMissingOne) {
  EXPECT_EQ(Refusal({"stream", "--conect", "x"}),
            "augstore stream has no flag '--conect': did you mean '--connect'?");
  EXPECT_EQ(Refusal({"stream", "--zzz=1", "--memory", "1"}), "augstore stream has no flag '--zzz'");
  EXPECT_EQ(Refusal({"stream", "--memory", "1"}),
            "--memory is 1: give a whole number from 16 to 1024");
  EXPECT_EQ(Refusal({"stream"}), "--collection is required");
  EXPECT_EQ(Refusal({"--connect", "x", "stream"}),
            "--connect is before the command: write augstore stream --connect …");
}

TEST_F(CommandLine, PrintsHelpOfTheProgramAndOfACommand) {
  EXPECT_NE(Help({"--help"}).find("About this program."), std::string::npos);
  const std::string help = Help({"stream", "--help"});
  for (const char* part :
       {"--collection TEXT REQUIRED", "--memory N=64", "augstore stream", "AUGSTORE_TEST_MEMORY"})
    EXPECT_NE(help.find(part), std::string::npos) << part << " in\n" << help;
  EXPECT_EQ(Help({"--version"}), "augstore 1\n");
}

TEST(Reference, ListsACommandWithItsFlags) {
  uint64_t limit = 3;
  std::string text;
  bool json = false;
  Command program("augstore", "");
  Command* show = program.AddGroup("head", "")->Add("show", "Show one", "Example:\n  x", [] {
    return OkStatus();
  });
  show->AddFlag("head", &text, "name").Required();
  show->AddFlag("--limit", &limit, "At most\nthis | that").Env("LIMIT");
  show->AddFlag("--json", &json, "As JSON");
  EXPECT_EQ(MarkdownReference(program),
            "\n### augstore head show\n\nShow one.\n\n```\nx\n```\n\n"
            "| flag | meaning | default |\n|---|---|---|\n"
            "| `head` | name | required |\n"
            "| `--limit N` | At most this \\| that (environment: `LIMIT`) | `3` |\n"
            "\nCommon flags: `--json`.\n");
}

TEST(Reference, IsWhatTheDocumentationSays) {
  std::ifstream file(SourcePath("docs/cli.md"));
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string heading = "\n## Commands\n";
  const size_t begin = page.find(heading);
  ASSERT_NE(begin, std::string::npos);
  Command program("augstore", "");
  AddCommands<true>(&program);
  EXPECT_TRUE(page.substr(begin + heading.size()) == MarkdownReference(program))
      << "docs/cli.md differs from the code: replace what follows its heading Commands with the "
         "output of `augstore help --markdown`";
}

}  // namespace
}  // namespace augstore
