#include "engine/images/image_manifest.h"

#include <gtest/gtest.h>

#include "schemas/base/limits.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

Result<ImageSource> Parse(std::string_view text) { return ParseManifest(text, "m.csv", "/data"); }

std::vector<std::string> Keys(const ImageSource& source) {
  std::vector<std::string> keys;
  for (const ImageItem& item : source.items) keys.push_back(item.key);
  return keys;
}

TEST(ImageManifest, ReadsPathsLabelsAndSplits) {
  const auto source =
      Parse("path,label,split\na/1.png,dog,train\n/b/2.png,cat,test\nc.png,,train\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->classes, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(source->items.size(), 3u);
  EXPECT_EQ(source->items[0].key, "a/1.png");
  EXPECT_EQ(source->items[0].path, "/data/a/1.png");
  EXPECT_EQ(source->items[0].label, 1);
  EXPECT_EQ(source->items[0].split, "train");
  EXPECT_EQ(source->items[1].path, "/b/2.png");
  EXPECT_EQ(source->items[1].label, 0);
  EXPECT_EQ(source->items[2].label, -1);
}

TEST(ImageManifest, NeedsNoHeaderAndNoLastNewline) {
  const auto source = Parse("a.png,x\n\nb.png,y");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(Keys(*source), (std::vector<std::string>{"a.png", "b.png"}));
}

TEST(ImageManifest, ReadsQuotesCarriageReturnsAndByteOrderMarks) {
  const auto source = Parse(
      "\xEF\xBB\xBF"
      "Path,Label\r\n\"a, \"\"b\"\".png\",\"x\ny\"\r\nc.png,z\r\n\"d.png\",\"\"\r\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(Keys(*source), (std::vector<std::string>{"a, \"b\".png", "c.png", "d.png"}));
  EXPECT_EQ(source->classes, (std::vector<std::string>{"x\ny", "z"}));
  EXPECT_EQ(source->items[2].label, -1);
}

TEST(ImageManifest, TakesWholeNumbersAsClassNumbers) {
  const auto source = Parse("a.png,3\nb.png,1\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->classes, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(source->items[0].label, 3);
  EXPECT_EQ(source->items[1].label, 1);
}

TEST(ImageManifest, TakesOtherNumbersAsNames) {
  for (const std::string_view labels : {"01", "-2", "1.5", "99999999", "4294967296", "1 "}) {
    const auto source = Parse(fmt::format("a.png,{}\nb.png,2\n", labels));
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    EXPECT_EQ(source->classes.size(), 2u) << labels;
  }
}

TEST(ImageManifest, KnowsTheUsualNamesOfColumns) {
  for (const char* header : {"file,class", "Filename,Target", "image_path,category,split"}) {
    const std::string split = std::string(header).ends_with("split") ? ",train" : "";
    const auto source = Parse(fmt::format("{}\na.png,x{}\n", header, split));
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    EXPECT_EQ(source->classes, (std::vector<std::string>{"x"})) << header;
  }
  EXPECT_EQ(Parse("file.png,class\n")->items.size(), 1u) << "an image, not a header";
}

TEST(ImageManifest, TakesMinusOneForNoLabel) {
  for (const std::string_view other : {"2", "dog"}) {
    const auto source = Parse(fmt::format("a.png,-1\nb.png,{}\n", other));
    ASSERT_TRUE(source.ok()) << source.status().ToString();
    EXPECT_EQ(source->items[0].label, -1);
    EXPECT_EQ(source->classes.back(), other);
    EXPECT_EQ(source->items[1].label, static_cast<int32_t>(source->classes.size()) - 1);
  }
}

TEST(ImageManifest, NamesTheBadLine) {
  const std::pair<std::string, std::string> bad[] = {
      {"a.png,x\nb.png\n", "line 2"},
      {"a.png\n", "line 1"},
      {"a.png,x\nb.png,y,train\n", "line 2"},
      {"a.png,x,y,z\n", "line 1"},
      {"a.png,x\n,y\n", "line 2"},
      {"a.png,x\nb.png,y\na.png,z\n", "line 3"},
      {"\"a\nb.png\",x\n\"c.png\"d,x\n", "line 3"},
      {"a.png,x\n\"b.png,x\nc.png,y\n", "line 2"},
      {"a.png,x\n" + std::string("b\0.png", 6) + ",y\n", "line 2"},
      {std::string(kMaxKeyBytes + 1, 'p') + ",x\n", "line 1"},
      {"a.png,x," + std::string(kMaxNameBytes + 1, 's') + "\n", "line 1"},
  };
  for (const auto& [text, place] : bad) {
    const auto source = Parse(text);
    ASSERT_FALSE(source.ok()) << text;
    EXPECT_EQ(source.status().code(), Code::kInvalidArgument);
    EXPECT_NE(source.status().message().find(place), std::string::npos)
        << source.status().message();
    EXPECT_NE(source.status().message().find("m.csv"), std::string::npos);
  }
}

TEST(ImageManifest, RefusesAManifestWithoutImages) {
  for (const std::string_view text : {"", "\n\n", "path,label\n"}) EXPECT_FALSE(Parse(text).ok());
}

TEST(ImageManifest, RefusesTooManySplits) {
  std::string text;
  for (uint32_t i = 0; i <= kMaxSplits; ++i) text += fmt::format("{}.png,x,s{}\n", i, i);
  EXPECT_FALSE(Parse(text).ok());
}

TEST(ImageManifest, LooksForPathsBesideTheFile) {
  const TempDir dir;
  const std::string path = dir.Write("sub/m.csv", "a.png,x\n");
  const auto source = ReadManifest(path);
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->items[0].path, dir.path() + "/sub/a.png");
  EXPECT_EQ(ReadManifest(dir.path() + "/none.csv").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore
