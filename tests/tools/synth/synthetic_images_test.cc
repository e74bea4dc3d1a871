#include "tools/synth/synthetic_images.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/images/image_source.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

size_t ChangedPixels(const Image& a, const Image& b) {
  size_t changed = 0;
  for (size_t i = 0; i < a.rgb.size(); i += 3) {
    changed += std::abs(int{a.rgb[i]} - int{b.rgb[i]}) +
                   std::abs(int{a.rgb[i + 1]} - int{b.rgb[i + 1]}) +
                   std::abs(int{a.rgb[i + 2]} - int{b.rgb[i + 2]}) >
               60;
  }
  return changed;
}

TEST(SyntheticImages, WritesClassFoldersThatCanBeListedAndDecoded) {
  const TempDir dir;
  const std::string root = dir.path() + "/set/train/";
  const SyntheticImagesOptions options{.seed = 3, .per_class = 2, .size = 24};
  const Status status = WriteSyntheticImages(root, options);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const auto source = ListImages(root);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->classes, SyntheticClasses());
  ASSERT_EQ(source->items.size(), 20u);
  for (size_t i = 0; i < source->items.size(); ++i) {
    const ImageItem& item = source->items[i];
    EXPECT_EQ(item.label, static_cast<int32_t>(i / 2));
    const auto image = DecodeItem(item, ReadItem(item).value());
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    EXPECT_EQ(*image, SyntheticImage(options, static_cast<uint32_t>(i / 2), i % 2));
  }
}

TEST(SyntheticImages, DependOnSeedClassAndIndexAlone) {
  const SyntheticImagesOptions few{.seed = 1, .per_class = 1};
  const SyntheticImagesOptions many{.seed = 1, .per_class = 9};
  const SyntheticImagesOptions other{.seed = 2, .per_class = 1};
  for (uint32_t c = 0; c < SyntheticClasses().size(); ++c) {
    const Image image = SyntheticImage(few, c, 0);
    EXPECT_EQ(image, SyntheticImage(many, c, 0));
    EXPECT_FALSE(image == SyntheticImage(other, c, 0));
    EXPECT_FALSE(image == SyntheticImage(few, c, 1));
    EXPECT_EQ(image.width, 32u);
    EXPECT_EQ(image.rgb.size(), 32u * 32u * 3u);
  }
}

TEST(SyntheticImages, CannotBeToldApartByTheirMeanColour) {
  const SyntheticImagesOptions options{.seed = 5, .per_class = 100, .size = 16};
  for (uint32_t c = 0; c < SyntheticClasses().size(); ++c) {
    double sums[3] = {};
    for (uint32_t i = 0; i < options.per_class; ++i) {
      const Image image = SyntheticImage(options, c, i);
      for (size_t v = 0; v < image.rgb.size(); ++v) sums[v % 3] += image.rgb[v];
    }
    for (const double sum : sums) EXPECT_NEAR(sum / (100 * 256), 127, 30) << SyntheticClasses()[c];
  }
}

TEST(SyntheticShapes, AreNotTheSameUpsideDown) {
  for (uint32_t c = 0; c < SyntheticClasses().size(); ++c) {
    size_t differs = 0, covered = 0;
    Dice dice(1, c);
    const Shape shape = DrawShape(c, dice);
    const auto on = [&shape](double x, double y) {
      return std::any_of(shape.begin(), shape.end(), [x, y](const Part& part) {
        return Covers(part, {x, y});
      });
    };
    for (double y = -0.95; y < 1; y += 0.1) {
      for (double x = -0.95; x < 1; x += 0.1) {
        covered += on(x, y);
        differs += on(x, y) != on(x, -y);
      }
    }
    EXPECT_GT(covered, 60u) << SyntheticClasses()[c];
    EXPECT_GT(differs, 20u) << SyntheticClasses()[c];
  }
}

TEST(SyntheticShapes, CoverPolygonsAndStrokes) {
  const Part box{{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}, 0};
  EXPECT_TRUE(Covers(box, {0.9, -0.9}));
  EXPECT_FALSE(Covers(box, {1.1, 0}));
  const Part line{{{0, 0}, {1, 0}}, 0, 0.1};
  EXPECT_TRUE(Covers(line, {0.5, 0.09}));
  EXPECT_TRUE(Covers(line, {1.05, 0}));
  EXPECT_FALSE(Covers(line, {0.5, 0.11}));
}

TEST(SyntheticImages, TurnFreelyWhenNotUpright) {
  size_t changed = 0;
  for (uint32_t i = 0; i < 10; ++i) {
    changed +=
        ChangedPixels(SyntheticImage({.seed = 1, .per_class = 10}, 0, i),
                      SyntheticImage({.seed = 1, .per_class = 10, .upright = false}, 0, i)) > 50;
  }
  EXPECT_GE(changed, 5u);
}

TEST(SyntheticImages, RefuseOptionsOutOfRange) {
  const TempDir dir;
  for (const SyntheticImagesOptions& options :
       {SyntheticImagesOptions{.per_class = 0},
        SyntheticImagesOptions{.per_class = kMaxSyntheticPerClass + 1},
        SyntheticImagesOptions{.per_class = 1, .size = kMinSyntheticSize - 1},
        SyntheticImagesOptions{.per_class = 1, .size = kMaxSyntheticSize + 1}}) {
    EXPECT_EQ(WriteSyntheticImages(dir.path() + "/x", options).code(), Code::kInvalidArgument);
  }
}

TEST(SyntheticImages, DoNotMixWithWhatIsThere) {
  const TempDir dir;
  const SyntheticImagesOptions options{.seed = 1, .per_class = 1, .size = 16};
  dir.Write("full/note.txt", "x");
  EXPECT_EQ(WriteSyntheticImages(dir.path() + "/full", options).code(), Code::kAlreadyExists);
  std::filesystem::create_directory(dir.path() + "/empty");
  EXPECT_TRUE(WriteSyntheticImages(dir.path() + "/empty", options).ok());
  dir.Write("file", "x");
  EXPECT_EQ(WriteSyntheticImages(dir.path() + "/file", options).code(), Code::kAlreadyExists);
  EXPECT_EQ(WriteSyntheticImages(dir.path() + "/file/x", options).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace augstore
