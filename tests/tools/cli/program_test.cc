#include "tools/cli/program.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"
#include "tools/commands.h"

namespace augstore {
namespace {

TEST(Program, KnowsACommandByItsWordsAlone) {
  Command light("augstore", "");
  AddCommands<false>(&light);
  EXPECT_TRUE(HasCommand(light, {"stats"}));
  EXPECT_TRUE(HasCommand(light, {"stats", "--no-such-flag"}));
  EXPECT_TRUE(HasCommand(light, {"head", "ls", "--help"}));
  EXPECT_TRUE(HasCommand(light, {"help", "head", "ls"}));
  EXPECT_FALSE(HasCommand(light, {}));
  EXPECT_FALSE(HasCommand(light, {"--help"}));
  EXPECT_FALSE(HasCommand(light, {"help"}));
  EXPECT_FALSE(HasCommand(light, {"no-such-command"}));
  EXPECT_FALSE(HasCommand(light, {"head"}));
  EXPECT_FALSE(HasCommand(light, {"head", "--help"}));
  EXPECT_FALSE(HasCommand(light, {"head", "train"}));
  EXPECT_FALSE(HasCommand(light, {"ingest", "stats"}));
}

TEST(Program, HasEveryCommandOfTheLightOneInTheOther) {
  Command light("augstore", "");
  AddCommands<false>(&light);
  Command all("augstore", "");
  AddCommands<true>(&all);
  for (const Command& command : light.commands()) {
    const Command* twin = all.Find(command.name());
    ASSERT_NE(twin, nullptr) << command.name();
    for (const Command& below : command.commands())
      EXPECT_NE(twin->Find(below.name()), nullptr) << below.Path();
  }
}

// What a program loads when it starts stands in its file by name.
std::string ReadProgram(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Program, StartsWithoutLibTorchAndDecoders) {
  const std::string light = ReadProgram(ProgramPath());
  ASSERT_FALSE(light.empty());
  const std::string all = ReadProgram(ProgramPath() + "-torch");
  for (const char* library : {"libtorch_cpu", "libopencv_imgcodecs"}) {
    EXPECT_EQ(light.find(library), std::string::npos) << library;
    EXPECT_NE(all.find(library), std::string::npos) << library;
  }
}

// The exit code of a command line.
int ExitOf(const std::string& line) {
  const int state = std::system((line + " >/dev/null 2>&1").c_str());
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

TEST(Program, AnswersAsTheOtherDoes) {
  for (const char* words : {"", "no-such-command", "stats --no-such-flag", "head ls --help",
                            "collection ls transform ls", "verify --store /nowhere"}) {
    EXPECT_EQ(ExitOf(fmt::format("{} {}", ProgramPath(), words)),
              ExitOf(fmt::format("{}-torch {}", ProgramPath(), words)))
        << words;
  }
}

TEST(Program, DoesWhatItCanWithoutTheOther) {
  const TempDir dir;
  const std::string alone = dir.path() + "/augstore";
  std::filesystem::copy_file(ProgramPath(), alone);
  EXPECT_EQ(ExitOf(alone + " --help"), 0);
  EXPECT_EQ(ExitOf(alone + " --version"), 0);
  EXPECT_EQ(ExitOf(alone + " stats --help"), 0);
  EXPECT_EQ(ExitOf(alone + " ingest"), 2);
}

}  // namespace
}  // namespace augstore
