#include "tools/flags/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tools/commands.h"

namespace augstore {
namespace {

using ::testing::HasSubstr;

// What `command`, of bash, prints.
std::string Bash(const std::string& command) {
  std::string output;
  FILE* const pipe = ::popen(("bash -c '" + command + "' 2>&1").c_str(), "r");
  char bytes[4096];
  while (pipe != nullptr && std::fgets(bytes, sizeof bytes, pipe) != nullptr) output += bytes;
  if (pipe != nullptr) ::pclose(pipe);
  return output;
}

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() : program_("augstore", "About this program.") {
    AddCommands<false>(&program_);
    std::ofstream(dir_.path() + "/bash") << CompletionScript(program_, "bash").value();
  }
  // What bash offers for the last of these words.
  std::string Offered(const std::string& words) const {
    return Bash("source " + dir_.path() + "/bash; COMP_WORDS=(" + words +
                "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _augstore; echo \"${COMPREPLY[*]}\"");
  }

  TempDir dir_;
  Command program_;
};

TEST_F(CompletionTest, OffersCommandsFlagsAndChoicesInBash) {
  EXPECT_THAT(Offered("augstore \"\""), HasSubstr("import export"));
  EXPECT_EQ(Offered("augstore ser"), "serve\n");
  EXPECT_EQ(Offered("augstore key cr"), "create\n");
  EXPECT_THAT(Offered("augstore serve --"), HasSubstr("--listen"));
  EXPECT_EQ(Offered("augstore serve --store db --ht"), "--http\n");
  EXPECT_THAT(Offered("augstore key create --role \"\""), HasSubstr("read write admin"));
  EXPECT_THAT(CompletionScript(program_, "bash").value(), HasSubstr("complete -o default"));
  EXPECT_EQ(Offered("augstore nothing --x"), "\n") << "then bash offers files";
}

TEST_F(CompletionTest, HasAScriptForOtherShells) {
  const std::string zsh = CompletionScript(program_, "zsh").value();
  EXPECT_TRUE(zsh.starts_with("#compdef augstore\n"));
  EXPECT_THAT(zsh, HasSubstr("\"augstore key create --role\") offered=(read write admin) ;;"));
  const std::string fish = CompletionScript(program_, "fish").value();
  EXPECT_THAT(fish, HasSubstr("= \"augstore key create\"' -l role -r -f -a 'read write admin'"));
  EXPECT_EQ(CompletionScript(program_, "csh").status().code(), Code::kInvalidArgument);
}

TEST_F(CompletionTest, WritesAManualPageThatManReads) {
  const std::string page = ManualPage(program_);
  EXPECT_TRUE(page.starts_with(".TH AUGSTORE 1\n"));
  EXPECT_THAT(page, HasSubstr(".SS augstore serve\n"));
  EXPECT_THAT(page, HasSubstr("\n.B \\-\\-listen TEXT\n"));
  if (Bash("command -v groff").empty())
    GTEST_SKIP() << "groff is not installed: its syntax is not checked";
  std::ofstream(dir_.path() + "/augstore.1") << page;
  EXPECT_EQ(Bash("groff -man -ww -z -Tutf8 " + dir_.path() + "/augstore.1"), "");
}

}  // namespace
}  // namespace augstore
