// Reads each input of tests/fuzz/corpus with its target: a target aborts if what it promises does
// not hold. The name of the test names the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "tests/fuzz/targets.h"
#include "tests/support/places.h"

namespace augstore::fuzz {
namespace {

namespace fs = std::filesystem;

struct Target {
  const char* name;
  void (*run)(Bytes input);
};
#define AUGSTORE_TARGET(name, fixed) {#name, Fuzz_##name},
constexpr Target kTargets[] = {AUGSTORE_FUZZ_TARGETS(AUGSTORE_TARGET)};
#undef AUGSTORE_TARGET

struct Input {
  Target target;
  fs::path file;
};

// Messages are also those that the golden files have: each new one, without being added here.
std::vector<std::string> FoldersOf(const std::string& target) {
  std::vector<std::string> folders = {"tests/fuzz/corpus/" + target};
  if (target == "message") folders.emplace_back("tests/golden/cpp");
  return folders;
}

// In the order of their names.
std::vector<Input> Inputs() {
  std::vector<Input> inputs;
  for (const Target& target : kTargets) {
    const size_t begin = inputs.size();
    for (const std::string& folder : FoldersOf(target.name)) {
      std::error_code missing;
      for (const auto& entry : fs::directory_iterator(SourcePath(folder), missing))
        inputs.push_back({target, entry.path()});
    }
    std::ranges::sort(std::span(inputs).subspan(begin), {}, &Input::file);
  }
  return inputs;
}

class Corpus : public testing::TestWithParam<Input> {};

TEST_P(Corpus, IsReadAsItsTargetPromises) {
  const Result<std::string> bytes = ReadFile(GetParam().file.string(), kMaxRecordBytes);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  GetParam().target.run({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(Inputs()), [](const auto& input) {
  std::string name =
      std::string(input.param.target.name) + "_" + input.param.file.filename().string();
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(FuzzCorpus, HasInputsForEachTargetAndForNothingElse) {
  std::set<std::string> targets, folders;
  for (const Input& input : Inputs()) targets.insert(input.target.name);
  for (const auto& entry : fs::directory_iterator(SourcePath("tests/fuzz/corpus")))
    folders.insert(entry.path().filename().string());
  EXPECT_EQ(targets.size(), std::size(kTargets));
  EXPECT_EQ(targets, folders);
}

}  // namespace
}  // namespace augstore::fuzz
