#include "tools/cli/program.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

bool Has(const CLI::App& app, std::vector<std::string> words) {
  words.insert(words.begin(), "augstore");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return HasCommand(app, static_cast<int>(argv.size()), argv.data());
}

TEST(Program, KnowsACommandByItsWordsAlone) {
  CLI::App light;
  AddLightCommands(&light);
  EXPECT_TRUE(Has(light, {"stats"}));
  EXPECT_TRUE(Has(light, {"stats", "--no-such-flag"}));
  EXPECT_TRUE(Has(light, {"head", "ls", "--help"}));
  EXPECT_FALSE(Has(light, {}));
  EXPECT_FALSE(Has(light, {"--help"}));
  EXPECT_FALSE(Has(light, {"no-such-command"}));
  EXPECT_FALSE(Has(light, {"head"}));
  EXPECT_FALSE(Has(light, {"head", "--help"}));
  EXPECT_FALSE(Has(light, {"head", "train"}));
  EXPECT_FALSE(Has(light, {"ingest", "stats"}));
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

TEST(Program, HasEveryCommandOfTheLightOneInTheOther) {
  CLI::App light;
  AddLightCommands(&light);
  CLI::App all;
  AddAllCommands(&all);
  for (const CLI::App* command : CommandsOf(light)) {
    if (CommandsOf(*command).empty()) {
      EXPECT_TRUE(Has(all, {command->get_name()})) << command->get_name();
    }
    for (const CLI::App* below : CommandsOf(*command)) {
      EXPECT_TRUE(Has(all, {command->get_name(), below->get_name()}))
          << command->get_name() << " " << below->get_name();
    }
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
