#include "engine/images/image_ops.h"

#include <gtest/gtest.h>

#include <cmath>

namespace augstore {
namespace {

Image Numbered(uint32_t width, uint32_t height) {
  Image image{width, height, {}};
  for (uint32_t i = 0; i < width * height * 3; ++i) {
    image.rgb.push_back(static_cast<uint8_t>(i * 37 % 251));
  }
  return image;
}

Image Apply(std::string_view op, const Image& image) { return ImageOp::Parse(op)->Apply(image); }

std::vector<uint8_t> Pixel(const Image& image, uint32_t x, uint32_t y) {
  const auto at = image.rgb.begin() + (y * image.width + x) * 3;
  return {at, at + 3};
}

constexpr std::string_view kAll[] = {
    "hflip",           "vflip",         "rotate(15)",      "zoom(1.25)", "translate(2,-1)",
    "brightness(1.4)", "contrast(0.7)", "saturation(0.5)", "blur(1)",    "grayscale"};

TEST(ImageOps, KeepCanonicalTexts) {
  for (const std::string_view text : kAll) {
    const auto op = ImageOp::Parse(text);
    ASSERT_TRUE(op.ok()) << op.status().ToString();
    EXPECT_EQ(op->text(), text);
    EXPECT_EQ(op->name(), text.substr(0, text.find('(')));
  }
}

TEST(ImageOps, GiveEqualOpsEqualTexts) {
  EXPECT_EQ(ImageOp::Parse("rotate(15.0)")->text(), "rotate(15)");
  EXPECT_EQ(ImageOp::Parse("rotate(1.5e1)")->text(), "rotate(15)");
  EXPECT_EQ(ImageOp::Parse("zoom(1.250)")->text(), "zoom(1.25)");
  EXPECT_EQ(ImageOp::Parse("translate(-0,0)")->text(), "translate(0,0)");
  EXPECT_EQ(ImageOp::Parse("brightness(0.1)")->text(), "brightness(0.1)");
}

TEST(ImageOps, RefuseWrongTextsNamingThem) {
  for (const std::string_view text : {"",
                                      "(",
                                      "flip",
                                      "hflip()",
                                      "hflip(1)",
                                      "rotate",
                                      "rotate()",
                                      "rotate(15",
                                      "rotate(15))",
                                      "rotate( 15)",
                                      "rotate(15 )",
                                      "rotate(15,2)",
                                      "rotate(1,)",
                                      "rotate(x)",
                                      "rotate:15",
                                      "rotate(361)",
                                      "rotate(nan)",
                                      "rotate(inf)",
                                      "zoom(0)",
                                      "zoom(-1)",
                                      "zoom(10.5)",
                                      "blur(0)",
                                      "blur(21)",
                                      "translate(1)",
                                      "brightness(1e999)",
                                      "HFLIP",
                                      "hflip "}) {
    const auto op = ImageOp::Parse(text);
    ASSERT_FALSE(op.ok()) << text;
    EXPECT_EQ(op.status().code(), Code::kInvalidArgument);
    EXPECT_NE(op.status().message().find(fmt::format("'{}'", text)), std::string::npos)
        << op.status().message();
  }
  EXPECT_NE(ImageOp::Parse("flip").status().message().find("rotate(degrees)"), std::string::npos);
  EXPECT_NE(ImageOp::Parse("zoom(99)").status().message().find("0.1 to 10"), std::string::npos);
}

TEST(ImageOps, KeepTheSizeAndRepeatExactly) {
  for (const auto& [width, height] :
       {std::pair{32u, 32u}, {7u, 3u}, {1u, 1u}, {1u, 9u}, {2u, 1u}}) {
    const Image image = Numbered(width, height);
    for (const std::string_view text : kAll) {
      const Image once = Apply(text, image);
      EXPECT_EQ(once.width, width) << text;
      EXPECT_EQ(once.height, height) << text;
      EXPECT_EQ(once, Apply(text, image)) << text;
    }
  }
}

TEST(ImageOps, ChangeNothingWithNeutralParameters) {
  const Image image = Numbered(13, 8);
  for (const std::string_view text : {"rotate(0)", "rotate(360)", "zoom(1)", "translate(0,0)",
                                      "brightness(1)", "contrast(1)", "saturation(1)"}) {
    EXPECT_EQ(Apply(text, image), image) << text;
  }
}

TEST(ImageOps, FlipExactly) {
  const Image image = Numbered(5, 4);
  const Image left_right = Apply("hflip", image);
  const Image top_bottom = Apply("vflip", image);
  for (uint32_t y = 0; y < 4; ++y) {
    for (uint32_t x = 0; x < 5; ++x) {
      EXPECT_EQ(Pixel(left_right, x, y), Pixel(image, 4 - x, y));
      EXPECT_EQ(Pixel(top_bottom, x, y), Pixel(image, x, 3 - y));
    }
  }
}

TEST(ImageOps, RotateCounterClockwiseAboutTheCentre) {
  const Image image = Numbered(6, 6);
  const Image turned = Apply("rotate(90)", image);
  const Image upside_down = Apply("rotate(180)", image);
  for (uint32_t y = 0; y < 6; ++y) {
    for (uint32_t x = 0; x < 6; ++x) {
      EXPECT_EQ(Pixel(turned, y, 5 - x), Pixel(image, x, y)) << x << ' ' << y;
      EXPECT_EQ(Pixel(upside_down, 5 - x, 5 - y), Pixel(image, x, y)) << x << ' ' << y;
    }
  }
}

TEST(ImageOps, TranslateRightAndDownAndMirrorTheBorder) {
  const Image image = Numbered(6, 5);
  const Image moved = Apply("translate(2,1)", image);
  EXPECT_EQ(Pixel(moved, 2, 1), Pixel(image, 0, 0));
  EXPECT_EQ(Pixel(moved, 5, 4), Pixel(image, 3, 3));
  EXPECT_EQ(Pixel(moved, 1, 1), Pixel(image, 1, 0));
  EXPECT_EQ(Pixel(moved, 0, 1), Pixel(image, 2, 0));
  EXPECT_EQ(Pixel(moved, 2, 0), Pixel(image, 0, 1));
}

TEST(ImageOps, ZoomEnlargesAboutTheCentre) {
  Image image{9, 9, std::vector<uint8_t>(243, 0)};
  for (uint32_t y = 3; y < 6; ++y) {
    for (uint32_t x = 3; x < 6; ++x) image.rgb[(y * 9 + x) * 3] = 200;
  }
  const auto bright = [](const Image& picture) {
    size_t count = 0;
    for (const uint8_t value : picture.rgb) count += value >= 100;
    return count;
  };
  const Image larger = Apply("zoom(2)", image);
  EXPECT_EQ(Pixel(larger, 4, 4)[0], 200);
  EXPECT_GE(bright(larger), 25u);
  EXPECT_LE(bright(Apply("zoom(0.5)", image)), 4u + 8u);
  EXPECT_EQ(larger, Apply("hflip", larger));
}

TEST(ImageOps, BrightnessMultipliesAndClamps) {
  const Image image{2, 1, {0, 3, 100, 200, 255, 5}};
  EXPECT_EQ(Apply("brightness(1.5)", image).rgb, (std::vector<uint8_t>{0, 5, 150, 255, 255, 8}));
  EXPECT_EQ(Apply("brightness(0)", image).rgb, std::vector<uint8_t>(6, 0));
}

TEST(ImageOps, ContrastStretchesAboutTheMeanGreyLevel) {
  const Image image{2, 1, {50, 50, 50, 150, 150, 150}};  // mean 100
  EXPECT_EQ(Apply("contrast(2)", image).rgb, (std::vector<uint8_t>{0, 0, 0, 200, 200, 200}));
  EXPECT_EQ(Apply("contrast(0.5)", image).rgb, (std::vector<uint8_t>{75, 75, 75, 125, 125, 125}));
  const Image red{1, 1, {100, 0, 0}};  // mean 29.9
  EXPECT_EQ(Apply("contrast(0)", red).rgb, (std::vector<uint8_t>{30, 30, 30}));
}

TEST(ImageOps, SaturationBlendsWithGrey) {
  const Image image{1, 1, {200, 100, 0}};  // grey 118.5
  EXPECT_EQ(Apply("saturation(0)", image).rgb, (std::vector<uint8_t>{119, 119, 119}));
  EXPECT_EQ(Apply("grayscale", image).rgb, (std::vector<uint8_t>{119, 119, 119}));
  EXPECT_EQ(Apply("saturation(0.5)", image).rgb, (std::vector<uint8_t>{159, 109, 59}));
  EXPECT_EQ(Apply("saturation(2)", image).rgb, (std::vector<uint8_t>{255, 82, 0}));
}

TEST(ImageOps, BlurSpreadsAPointEvenly) {
  Image image{11, 11, std::vector<uint8_t>(363, 0)};
  image.rgb[(5 * 11 + 5) * 3] = 255;
  const Image blurred = Apply("blur(1)", image);
  EXPECT_EQ(Pixel(blurred, 4, 5), Pixel(blurred, 6, 5));
  EXPECT_EQ(Pixel(blurred, 5, 4), Pixel(blurred, 4, 5));
  EXPECT_NEAR(Pixel(blurred, 5, 5)[0], 255 / (2 * M_PI), 3);
  EXPECT_EQ(Pixel(blurred, 5, 5)[1], 0);
}

TEST(ImageOps, LeaveAnEmptyImageEmpty) {
  for (const std::string_view text : kAll) EXPECT_TRUE(Apply(text, Image{}).rgb.empty());
}

TEST(ImageOps, HelpNamesEveryOp) {
  const std::string help = ImageOp::Help();
  for (const std::string_view text : kAll) {
    EXPECT_NE(help.find(text.substr(0, text.find('('))), std::string::npos) << text;
  }
  EXPECT_EQ(std::count(help.begin(), help.end(), '\n'), std::ssize(kAll));
}

TEST(ImageOps, ApplySequencesFromLeftToRight) {
  const Image image = Numbered(9, 7);
  const auto both = ImageOp::ParseSequence("rotate(15.0)>translate(2,0)");
  ASSERT_TRUE(both.ok()) << both.status().ToString();
  EXPECT_EQ(both->text(), "rotate(15)>translate(2,0)");
  EXPECT_EQ(both->Apply(image), Apply("translate(2,0)", Apply("rotate(15)", image)));
  EXPECT_NE(both->Apply(image), Apply("rotate(15)", Apply("translate(2,0)", image)));
  EXPECT_EQ(ImageOp::ParseSequence("hflip")->Apply(image), Apply("hflip", image));
  const auto three = ImageOp::ParseSequence("hflip>vflip>hflip");
  EXPECT_EQ(three->Apply(image), Apply("vflip", image));
}

TEST(ImageOps, RefuseSequencesWithAWrongPart) {
  for (const std::string_view text : {"hflip>", ">hflip", "hflip>>vflip", "hflip>turn", ""}) {
    EXPECT_EQ(ImageOp::ParseSequence(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(ImageOps, NameTheOpThatUndoesThem) {
  const auto inverse = [](std::string_view text) {
    return ImageOp::ParseSequence(text)->InverseText();
  };
  EXPECT_EQ(inverse("hflip"), "hflip");
  EXPECT_EQ(inverse("vflip"), "vflip");
  EXPECT_EQ(inverse("rotate(15)"), "rotate(-15)");
  EXPECT_EQ(inverse("rotate(0)"), "rotate(0)");
  EXPECT_EQ(inverse("translate(2,-1)"), "translate(-2,1)");
  EXPECT_EQ(inverse("blur(1)"), "");
  EXPECT_EQ(inverse("zoom(1.25)"), "") << "what left the image does not come back";
  EXPECT_EQ(inverse("hflip>vflip"), "");
}

}  // namespace
}  // namespace augstore
