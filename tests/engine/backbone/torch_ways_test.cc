#include "engine/backbone/torch_ways.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/engine/backbone/backbones.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

Result<ChosenWay> Choose(const std::string& path, std::vector<std::string>* steps = nullptr) {
  return ChooseWay(path, 32, 32, [steps](const std::string& what) {
    if (steps != nullptr) steps->push_back(what);
  });
}

TEST(TorchWays, AreMeasuredAndTheChosenOneSaysWhatItDoes) {
  const std::string path = SourcePath("tools/demo_assets/backbone.pt");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no backbone at " << path;
  std::vector<std::string> steps;
  auto chosen = Choose(path, &steps);
  ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
  const std::set<uint32_t> sizes = {1, 2, 4, 8, 16, 32};
  EXPECT_TRUE(sizes.contains(chosen->way.batch)) << chosen->way.ToString();
  EXPECT_GT(chosen->way.images_per_second, 1);
  EXPECT_EQ(chosen->way.slot_difference, 0);
  EXPECT_FALSE(chosen->unit_length);
  EXPECT_EQ(Forward(chosen->module, PatternBatch({3, 32, 32})).z.size(1), 512);
  EXPECT_EQ(std::ranges::count(steps, "timing a first batch"), 1);
  EXPECT_GE(std::ranges::count(steps, "timing " + chosen->way.ToString()), 7);
}

TEST(TorchWays, FindEmbeddingsOfLengthOne) {
  const TempDir dir;
  const auto chosen =
      Choose(Script(dir, "z = x.flatten(2).mean(2)\n    return z / z.norm(2, [1], True)"));
  ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
  EXPECT_TRUE(chosen->unit_length);
}

TEST(TorchWays, ThatAreAllRefusedSayWhy) {
  const TempDir dir;
  const Status mixed = Choose(Script(dir, "return (x - x.mean(0)).flatten(2).mean(2)")).status();
  EXPECT_EQ(mixed.code(), Code::kInvalidArgument);
  EXPECT_NE(mixed.message().find("with the other images"), std::string::npos) << mixed.message();
}

}  // namespace
}  // namespace augstore
