#include "server/http/image_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

const std::string kPng = std::string("\x89PNG\r\n\x1a\n") + "rest";

class ImageFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(images_ + "/train/cat");
    Write("/images/cat.png", kPng);
    Write("/images/train/cat/1.jpg", "\xff\xd8\xff rest");
    Write("/images/notes.txt", "no picture");
    Write("/secret.png", kPng);
  }
  void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(dir_.path() + path, std::ios::binary) << bytes;
  }
  Code Read(const std::string& split, const std::string& key) {
    return ReadImageFile(images_, split, key).status().code();
  }

  TempDir dir_;
  std::string images_ = dir_.path() + "/images";
};

TEST_F(ImageFileTest, ReadsTheFileOfAKeyOrOfASplitsKey) {
  const auto png = ReadImageFile(images_, "test", "cat.png");
  ASSERT_TRUE(png.ok()) << png.status().ToString();
  EXPECT_EQ(png->bytes, kPng);
  EXPECT_EQ(png->type, "image/png");
  EXPECT_EQ(ReadImageFile(images_, "train", "cat/1.jpg")->type, "image/jpeg");
  EXPECT_EQ(Read("test", "cat/1.jpg"), Code::kNotFound);
}

TEST_F(ImageFileTest, NeverLeavesItsFolder) {
  fs::create_symlink(dir_.path() + "/secret.png", images_ + "/link.png");
  fs::create_symlink("..", images_ + "/up");
  fs::create_symlink("cat.png", images_ + "/inside.png");
  const std::string secret = dir_.path() + "/secret.png";
  for (const std::string& key :
       {std::string("../secret.png"), secret, std::string("train/../../secret.png"),
        std::string("link.png"), std::string("up/secret.png"), std::string(""), std::string("."),
        std::string("cat.png\0x", 9), std::string(5000, 'a')}) {
    EXPECT_EQ(Read("train", key), Code::kNotFound) << key;
  }
  EXPECT_EQ(Read("..", "secret.png"), Code::kNotFound);
  EXPECT_EQ(Read("train", "inside.png"), Code::kOk);
}

TEST_F(ImageFileTest, TakesPicturesAlone) {
  EXPECT_EQ(Read("", "notes.txt"), Code::kNotFound);
  EXPECT_EQ(Read("", "train"), Code::kNotFound);
  ASSERT_EQ(::mkfifo((images_ + "/pipe.png").c_str(), 0600), 0);
  EXPECT_EQ(Read("", "pipe.png"), Code::kNotFound) << "which would wait for a writer";
  Write("/images/large.png", kPng);
  fs::resize_file(images_ + "/large.png", kMostImageFileBytes + 1);
  EXPECT_EQ(Read("", "large.png"), Code::kResourceExhausted);
  EXPECT_EQ(ReadImageFile(dir_.path() + "/nowhere", "", "cat.png").status().code(),
            Code::kNotFound);
}

}  // namespace
}  // namespace augstore
