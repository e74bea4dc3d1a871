#include "engine/images/image_cifar.h"

#include <gtest/gtest.h>

#include "engine/images/image_source.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

// Records whose pixels are all `value`, with these label bytes before them.
std::string Record(std::initializer_list<int> labels, char value) {
  std::string record;
  for (const int label : labels) record += static_cast<char>(label);
  return record + std::string(kCifarPixelBytes, value);
}

TEST(ImageCifar, ReadsTheTenClasses) {
  const TempDir dir;
  dir.Write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  dir.Write("data_batch_1.bin", Record({3}, 'x') + Record({9}, 'y'));
  dir.Write("test_batch.bin", Record({0}, 'z'));
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ASSERT_EQ(source->items.size(), 3u);
  EXPECT_EQ(source->classes.size(), 10u);
  EXPECT_EQ(source->classes[9], "j");
  EXPECT_EQ(source->items[0].key, "data_batch_1.bin#0");
  EXPECT_EQ(source->items[1].key, "data_batch_1.bin#1");
  EXPECT_EQ(source->items[1].label, 9);
  EXPECT_EQ(source->items[2].key, "test_batch.bin#0");
  EXPECT_EQ(source->items[2].split, "test");
  EXPECT_EQ(ReadItem(source->items[1]).value(), std::string(kCifarPixelBytes, 'y'));
}

TEST(ImageCifar, TakesTheFineLabelOfTheHundredClasses) {
  const TempDir dir;
  const std::string path = dir.Write("train.bin", Record({19, 99}, 'x') + Record({0, 42}, 'y'));
  const auto source = ListImages(path);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->classes.size(), 100u);
  EXPECT_EQ(source->items[0].label, 99);
  EXPECT_EQ(source->items[1].label, 42);
  EXPECT_EQ(ReadItem(source->items[1]).value(), std::string(kCifarPixelBytes, 'y'));
}

TEST(ImageCifar, LetsTheClassNamesDecideWhenBothSizesFit) {
  std::string both;  // 3074 records of CIFAR-10 are as long as 3073 of CIFAR-100
  for (int i = 0; i < 3074; ++i) both += Record({0}, '\0');
  const TempDir dir;
  const std::string path = dir.Write("train.bin", both);
  EXPECT_EQ(ListCifar({path})->items.size(), 3074u);
  dir.Write("fine_label_names.txt", "apple\r\nbear\r\n");
  const auto source = ListCifar({path});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->items.size(), 3073u);
  EXPECT_EQ(source->classes, (std::vector<std::string>{"apple", "bear"}));
}

TEST(ImageCifar, RefusesWhatIsNoCifarFile) {
  const TempDir dir;
  const std::string odd = dir.Write("odd/x.bin", Record({1}, 'x') + "!");
  const std::string cut = dir.Write("cut/x.bin", Record({1}, 'x').substr(0, 3000));
  const std::string label = dir.Write("label/x.bin", Record({1}, 'x') + Record({10}, 'x'));
  const std::string empty = dir.Write("empty/x.bin", "");
  for (const std::string& path : {odd, cut, label, empty}) {
    const auto source = ListImages(path);
    ASSERT_FALSE(source.ok()) << path;
    EXPECT_EQ(source.status().code(), Code::kInvalidArgument) << source.status().ToString();
  }
  EXPECT_NE(ListImages(label).status().message().find("record 1 has label 10"), std::string::npos);
}

TEST(ImageCifar, ReportsAFileThatBecameShorter) {
  const TempDir dir;
  const std::string path = dir.Write("x.bin", Record({1}, 'x') + Record({2}, 'y'));
  const auto source = ListImages(path);
  ASSERT_TRUE(source.ok());
  dir.Write("x.bin", Record({1}, 'x'));
  EXPECT_EQ(ReadItem(source->items[1]).status().code(), Code::kUnavailable);
  std::filesystem::remove(path);
  EXPECT_EQ(ReadItem(source->items[0]).status().code(), Code::kNotFound);
}

TEST(ImageCifar, InterleavesTheColourPlanes) {
  const std::string bytes =
      std::string(1024, 'r') + std::string(1024, 'g') + std::string(1024, 'b');
  std::string marked = bytes;
  marked[1024 + 33] = '!';  // green at x = 1, y = 1
  const auto image = DecodeCifar(marked, "x");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->width, 32u);
  EXPECT_EQ(image->rgb[0], 'r');
  EXPECT_EQ(image->rgb[1], 'g');
  EXPECT_EQ(image->rgb[2], 'b');
  EXPECT_EQ(image->rgb[33 * 3 + 1], '!');
  EXPECT_FALSE(DecodeCifar(bytes.substr(1), "x").ok());
}

}  // namespace
}  // namespace augstore
