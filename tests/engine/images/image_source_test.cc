#include "engine/images/image_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/images/image_io.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Keys(const ImageSource& source) {
  std::vector<std::string> keys;
  for (const ImageItem& item : source.items) keys.push_back(item.key);
  return keys;
}

using Names = std::vector<std::string>;

TEST(ImageSource, ListsClassFoldersInBytewiseOrder) {
  const TempDir dir;
  for (const char* name :
       {"b/2.png", "b/10.JPG", "a/x/deep.jpeg", "a/x.webp", "a/B.tif", "Z/1.ppm"}) {
    dir.Write(name, "x");
  }
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(source->classes, (Names{"Z", "a", "b"}));
  EXPECT_EQ(Keys(*source),
            (Names{"Z/1.ppm", "a/B.tif", "a/x.webp", "a/x/deep.jpeg", "b/10.JPG", "b/2.png"}));
  EXPECT_EQ(source->items[0].label, 0);
  EXPECT_EQ(source->items[3].label, 1);
  EXPECT_EQ(source->items[5].label, 2);
  EXPECT_EQ(source->items[5].path, dir.path() + "/b/2.png");
}

TEST(ImageSource, ListsAFolderWithoutClassesUnlabelled) {
  const TempDir dir;
  dir.Write("2.png", "x");
  dir.Write("1.bmp", "x");
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(Keys(*source), (Names{"1.bmp", "2.png"}));
  EXPECT_EQ(source->items[0].label, -1);
  EXPECT_TRUE(source->classes.empty());
}

TEST(ImageSource, IgnoresHiddenFilesOtherFilesAndFoldersWithoutImages) {
  const TempDir dir;
  for (const char* name :
       {"a/1.png", "a/.2.png", "a/notes.txt", "a/noext", ".hidden/1.png", "b/c.txt"}) {
    dir.Write(name, "x");
  }
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(Keys(*source), (Names{"a/1.png"}));
  EXPECT_EQ(source->classes, (Names{"a"}));
}

TEST(ImageSource, EndsInLoopsOfLinks) {
  const TempDir dir;
  dir.Write("a/1.png", "x");
  dir.Write("b/2.png", "x");
  fs::create_directory_symlink(dir.path(), dir.path() + "/a/up");
  fs::create_directory_symlink(dir.path() + "/a", dir.path() + "/a/self");
  fs::create_directory_symlink(dir.path() + "/b", dir.path() + "/a/other");
  fs::create_directory_symlink(dir.path() + "/a", dir.path() + "/b/back");
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(Keys(*source), (Names{"a/1.png", "a/other/2.png", "b/2.png", "b/back/1.png"}));
}

TEST(ImageSource, FollowsALinkToAnImageAndNamesABrokenOneWhenItIsRead) {
  const TempDir dir;
  const std::string file = dir.Write("a/1.png", "x");
  fs::create_symlink(file, dir.path() + "/a/2.png");
  EXPECT_EQ(Keys(ListImages(dir.path()).value()), (Names{"a/1.png", "a/2.png"}));
  fs::create_symlink(dir.path() + "/gone", dir.path() + "/a/3.png");
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ASSERT_EQ(source->items.size(), 3u);
  const auto read = ReadItem(source->items[2]);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.status().message().find("a/3.png"), std::string::npos);
}

TEST(ImageSource, NamesAFolderThatCannotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "permissions do not bind the superuser";
  const TempDir dir;
  dir.Write("a/1.png", "x");
  fs::permissions(dir.path() + "/a", fs::perms::none);
  const auto source = ListImages(dir.path());
  fs::permissions(dir.path() + "/a", fs::perms::owner_all);
  ASSERT_FALSE(source.ok());
  EXPECT_NE(source.status().message().find("/a'"), std::string::npos) << source.status().message();
}

TEST(ImageSource, SaysWhatItNeedsWhenThereIsNothing) {
  const TempDir dir;
  EXPECT_EQ(ListImages(dir.path() + "/none").status().code(), Code::kNotFound);
  EXPECT_EQ(ListImages(dir.path()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ListImages(dir.Write("x.png", "x")).status().code(), Code::kInvalidArgument);
}

TEST(ImageSource, ReadsAManifest) {
  const TempDir dir;
  dir.Write("img/1.png", "bytes");
  const auto source =
      ListImages(dir.Write("list.CSV", "img/1.png,dog,train\nimg/2.png,cat,test\n"));
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ(ReadItem(source->items[0]).value(), "bytes");
  EXPECT_EQ(ReadItem(source->items[1]).status().code(), Code::kNotFound);
}

TEST(ImageSource, DecodesWhatItReads) {
  const TempDir dir;
  const Image image{2, 1, {1, 2, 3, 4, 5, 6}};
  dir.Write("a/1.png", EncodeImage(image, "png").value());
  dir.Write("a/2.jpg", "a text that somebody named .jpg");
  dir.Write("a/3.png", "");
  const auto source = ListImages(dir.path());
  ASSERT_TRUE(source.ok());
  const auto decode = [&](size_t i) {
    return DecodeItem(source->items[i], ReadItem(source->items[i]).value());
  };
  EXPECT_EQ(decode(0).value(), image);
  for (const size_t i : {1u, 2u}) {
    const auto decoded = decode(i);
    ASSERT_FALSE(decoded.ok());
    EXPECT_NE(decoded.status().message().find(source->items[i].key), std::string::npos);
  }
}

}  // namespace
}  // namespace augstore
