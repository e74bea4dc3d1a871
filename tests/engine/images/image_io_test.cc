#include "engine/images/image_io.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Result<Image> Decode(std::string_view text) { return DecodeImage(AsBytes(text), "holiday.jpg"); }

// Smooth, so that JPEG keeps it; each channel differs.
Image Gradient(uint32_t width, uint32_t height) {
  Image image{width, height, {}};
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      image.rgb.push_back(static_cast<uint8_t>(255 * x / width));
      image.rgb.push_back(static_cast<uint8_t>(255 * y / height));
      image.rgb.push_back(40);
    }
  }
  return image;
}

std::string Encode(const Image& image, std::string_view extension) {
  return EncodeImage(image, extension).value();
}

TEST(ImageIo, GivesBackAPngExactly) {
  const Image image = Gradient(31, 17);
  const auto decoded = Decode(Encode(image, "png"));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, image);
}

TEST(ImageIo, GivesBackAJpegNearly) {
  const Image image = Gradient(32, 32);
  const auto decoded = Decode(Encode(image, "jpg"));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ASSERT_EQ(decoded->rgb.size(), image.rgb.size());
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    EXPECT_LE(std::abs(int{decoded->rgb[i]} - int{image.rgb[i]}), 12) << i;
  }
}

TEST(ImageIo, RefusesAJpegOrPngCutAtAnyLength) {
  for (const std::string_view extension : {"jpg", "png"}) {
    const std::string bytes = Encode(Gradient(24, 24), extension);
    for (size_t size = 0; size < bytes.size(); size += 1 + size / 16) {
      const auto decoded = Decode(bytes.substr(0, size));
      ASSERT_FALSE(decoded.ok()) << extension << " cut to " << size;
      EXPECT_EQ(decoded.status().code(), Code::kInvalidArgument);
      EXPECT_NE(decoded.status().message().find("holiday.jpg"), std::string::npos);
    }
  }
}

TEST(ImageIo, RefusesWhatIsNoImage) {
  const std::string gif = std::string("GIF89a\1\0\1\0\0\0\0;", 14);
  for (const std::string& bytes : {std::string(), std::string("dear diary"), gif}) {
    const auto decoded = Decode(bytes);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.status().code(), Code::kInvalidArgument);
  }
  EXPECT_NE(Decode("dear diary").status().message().find("JPEG, PNG"), std::string::npos);
}

TEST(ImageIo, SurvivesDamageAtAnyByte) {
  for (const std::string_view extension : {"jpg", "png"}) {
    const std::string bytes = Encode(Gradient(16, 16), extension);
    for (size_t at = 0; at < std::min<size_t>(bytes.size(), 200); ++at) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0xFF);
      const auto decoded = Decode(damaged);
      if (extension == "png") {
        EXPECT_FALSE(decoded.ok()) << at;
      } else if (decoded.ok()) {
        EXPECT_EQ(decoded->rgb.size(), size_t{decoded->width} * decoded->height * 3);
      }
    }
  }
}

TEST(ImageIo, TurnsGreyIntoRgb) {
  const auto decoded = Decode("P5\n2 1 255\n" + std::string("\x10\xF0", 2));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->rgb, (std::vector<uint8_t>{16, 16, 16, 240, 240, 240}));
}

TEST(ImageIo, ReadsTextAndColourPnm) {
  const auto text = Decode("P3\n2 1\n255\n255 0 9 1 2 3\n");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(text->rgb, (std::vector<uint8_t>{255, 0, 9, 1, 2, 3}));
  const auto binary = Decode("P6 1 2 255\nabcdef");
  ASSERT_TRUE(binary.ok()) << binary.status().ToString();
  EXPECT_EQ(binary->rgb, (std::vector<uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
}

TEST(ImageIo, AppliesTheExifRotation) {
  std::string jpeg = Encode(Gradient(40, 20), "jpg");
  // EXIF with one field: orientation 6, "turn right to see it upright".
  const std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
      36);
  jpeg.insert(2, exif);
  const auto decoded = Decode(jpeg);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->width, 20u);
  EXPECT_EQ(decoded->height, 40u);
}

TEST(ImageIo, WritesOnlyPngAndJpg) {
  const auto encoded = EncodeImage(Gradient(4, 4), "gif");
  ASSERT_FALSE(encoded.ok());
  EXPECT_NE(encoded.status().message().find("gif"), std::string::npos);
  EXPECT_FALSE(EncodeImage({4, 4, std::vector<uint8_t>(5)}, "png").ok());
  EXPECT_FALSE(EncodeImage({0, 0, {}}, "png").ok());
}

TEST(ImageIo, AveragesAreasWhenItShrinks) {
  const Image image{2, 2, {0, 0, 0, 100, 0, 0, 0, 40, 0, 100, 40, 200}};
  EXPECT_EQ(ResizeImage(image, 1, 1).rgb, (std::vector<uint8_t>{50, 20, 50}));
}

TEST(ImageIo, ResizesToAnySize) {
  const Image image = Gradient(10, 10);
  EXPECT_EQ(ResizeImage(image, 10, 10), image);
  for (const auto& [width, height] : {std::pair{20u, 20u}, {5u, 20u}, {20u, 5u}, {1u, 300u}}) {
    const Image resized = ResizeImage(image, width, height);
    EXPECT_EQ(resized.width, width);
    EXPECT_EQ(resized.height, height);
    EXPECT_EQ(resized.rgb.size(), size_t{width} * height * 3);
  }
  const Image flat{3, 3, std::vector<uint8_t>(27, 77)};
  EXPECT_EQ(ResizeImage(flat, 8, 2).rgb, std::vector<uint8_t>(48, 77));
}

}  // namespace
}  // namespace augstore
