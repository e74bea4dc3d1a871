#include "engine/transforms/cell_mix.h"

#include <gtest/gtest.h>

#include <numeric>

namespace augstore {
namespace {

constexpr FeatureMapShape kMap{4, 4, 1};

// What the mix makes of the map 0, 1, 2, …
std::vector<float> Mixed(const std::string& op, uint32_t height = 4, uint32_t width = 4,
                         uint32_t input = 32) {
  std::optional<ImageOp> parsed;
  if (!op.empty()) parsed = ImageOp::ParseSequence(op).value();
  const std::vector<float> mix =
      MakeCellMix(kMap, height, width, parsed ? &*parsed : nullptr, input, input);
  EXPECT_EQ(mix.size(), size_t{height} * width * 16);
  std::vector<float> out(size_t{height} * width);
  for (size_t i = 0; i < mix.size(); ++i) out[i / 16] += mix[i] * static_cast<float>(i % 16);
  return out;
}

std::vector<float> Numbers(std::vector<float> values) { return values; }

TEST(CellMix, LeavesCellsWhereOpsOfColourLeavePixels) {
  std::vector<float> same(16);
  std::iota(same.begin(), same.end(), 0.0F);
  for (const char* op : {"", "brightness(1.4)", "grayscale", "blur(1)", "rotate(0)", "zoom(1)"}) {
    EXPECT_EQ(Mixed(op), same) << op;
  }
}

TEST(CellMix, MirrorsAndTurnsCellsAsPixels) {
  EXPECT_EQ(Mixed("hflip"), Numbers({3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12}));
  EXPECT_EQ(Mixed("vflip"), Numbers({12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3}));
  const std::vector<float> turned = Mixed("rotate(90)");
  const std::vector<float> expected = {3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12};
  for (size_t i = 0; i < 16; ++i) EXPECT_NEAR(turned[i], expected[i], 1e-3) << i;
}

TEST(CellMix, ScalesATranslationFromPixelsToCells) {
  // 8 of 32 pixels are one of 4 cells; what comes in is mirrored without the outermost cell.
  EXPECT_EQ(Mixed("translate(8,0)"),
            Numbers({1, 0, 1, 2, 5, 4, 5, 6, 9, 8, 9, 10, 13, 12, 13, 14}));
}

TEST(CellMix, AppliesTheOpsOfASequenceFromLeftToRight) {
  const std::vector<float> mixed = Mixed("hflip>translate(8,0)");
  EXPECT_EQ(std::vector<float>(mixed.begin(), mixed.begin() + 4), Numbers({2, 3, 2, 1}));
}

TEST(CellMix, TakesMeansBeforeTheOp) {
  EXPECT_EQ(Mixed("", 2, 2), Numbers({2.5, 4.5, 10.5, 12.5}));
  EXPECT_EQ(Mixed("vflip", 2, 2), Numbers({10.5, 12.5, 2.5, 4.5}));
  EXPECT_EQ(Mixed("", 1, 1), Numbers({7.5}));
  const std::vector<float> three = Mixed("", 3, 3);  // parts overlap where they do not fit
  EXPECT_EQ(three[0], 2.5F);
  EXPECT_EQ(three[4], 7.5F);
}

}  // namespace
}  // namespace augstore
