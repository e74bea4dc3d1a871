#include "engine/images/image_format.h"

#include <gtest/gtest.h>

#include "engine/images/image_io.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Result<ImageHeader> Inspect(std::string_view text) { return InspectImage(AsBytes(text), "x"); }

std::string Encoded(uint32_t width, uint32_t height, std::string_view extension) {
  return EncodeImage({width, height, std::vector<uint8_t>(size_t{width} * height * 3, 90)},
                     extension)
      .value();
}

std::string LittleEndian(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

std::string Bmp(int32_t width, int32_t height, uint32_t bits, size_t pixel_bytes) {
  return "BM" + LittleEndian(54 + pixel_bytes, 4) + LittleEndian(0, 4) + LittleEndian(54, 4) +
         LittleEndian(40, 4) + LittleEndian(static_cast<uint32_t>(width), 4) +
         LittleEndian(static_cast<uint32_t>(height), 4) + LittleEndian(1, 2) +
         LittleEndian(bits, 2) + std::string(24, '\0') + std::string(pixel_bytes, 'p');
}

// One strip of `pixel_bytes` grey pixels behind the directory.
std::string Tiff(uint32_t width, uint32_t height, size_t pixel_bytes) {
  const auto field = [](uint32_t tag, uint32_t value) {
    return LittleEndian(tag, 2) + LittleEndian(4, 2) + LittleEndian(1, 4) + LittleEndian(value, 4);
  };
  return std::string("II*\0", 4) + LittleEndian(8, 4) + LittleEndian(4, 2) + field(256, width) +
         field(257, height) + field(273, 62) + field(279, width * height) + LittleEndian(0, 4) +
         std::string(pixel_bytes, 'p');
}

TEST(ImageFormat, ReadsTheSizeOfEachFormat) {
  const std::string vp8x = "RIFF" + LittleEndian(22, 4) + "WEBPVP8X" + LittleEndian(10, 4) +
                           LittleEndian(0, 4) + LittleEndian(6, 3) + LittleEndian(4, 3);
  const std::pair<std::string, ImageFormat> files[] = {
      {Encoded(7, 5, "jpg"), ImageFormat::kJpeg},
      {Encoded(7, 5, "png"), ImageFormat::kPng},
      {Bmp(7, -5, 24, 5 * 24), ImageFormat::kBmp},
      {"P6 # wide\n7 5 255\n" + std::string(105, 'p'), ImageFormat::kPnm},
      {"P5\n7 5 65535\n" + std::string(70, 'p'), ImageFormat::kPnm},
      {Tiff(7, 5, 35), ImageFormat::kTiff},
      {vp8x, ImageFormat::kWebp},
  };
  for (const auto& [bytes, format] : files) {
    const auto header = Inspect(bytes);
    ASSERT_TRUE(header.ok()) << header.status().ToString();
    EXPECT_EQ(header->format, format);
    EXPECT_EQ(header->width, 7u) << static_cast<int>(format);
    EXPECT_EQ(header->height, 5u) << static_cast<int>(format);
  }
}

TEST(ImageFormat, RefusesEveryPrefixOfEachFormat) {
  const std::string files[] = {Encoded(9, 9, "jpg"), Encoded(9, 9, "png"), Bmp(9, 9, 24, 9 * 28),
                               "P6\n9 9 255\n" + std::string(243, 'p'), Tiff(9, 9, 81)};
  for (const std::string& bytes : files) {
    ASSERT_TRUE(Inspect(bytes).ok());
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto header = Inspect(std::string_view(bytes).substr(0, size));
      ASSERT_FALSE(header.ok()) << bytes.substr(0, 2) << " cut to " << size;
      EXPECT_EQ(header.status().code(), Code::kInvalidArgument);
    }
  }
}

TEST(ImageFormat, RefusesHugeSizesWithTheLimitsInTheMessage) {
  std::string jpeg = Encoded(8, 8, "jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  jpeg.replace(frame + 5, 4, "\xFF\xFF\xFF\xFF");
  const std::string vp8x = "RIFF" + LittleEndian(22, 4) + "WEBPVP8X" + LittleEndian(10, 4) +
                           LittleEndian(0, 4) + LittleEndian(0xFFFFFF, 3) +
                           LittleEndian(0xFFFFFF, 3);
  for (const std::string& bytes : {jpeg, vp8x, Tiff(1u << 31, 2, 35)}) {
    const auto header = Inspect(bytes);
    ASSERT_FALSE(header.ok());
    EXPECT_NE(header.status().message().find(std::to_string(kMaxImagePixels)), std::string::npos)
        << header.status().message();
  }
}

TEST(ImageFormat, RefusesImagesWithoutPixels) {
  for (const std::string& bytes :
       {Bmp(0, 5, 24, 64), std::string("P6\n5 0 255\n"), Tiff(0, 3, 0)}) {
    const auto header = Inspect(bytes);
    ASSERT_FALSE(header.ok());
    EXPECT_NE(header.status().message().find("pixels"), std::string::npos);
  }
}

TEST(ImageFormat, FindsADamagedPngChunk) {
  std::string png = Encoded(16, 16, "png");
  for (const size_t at : {size_t{17}, png.find("IDAT") + 6, png.size() - 2}) {
    std::string damaged = png;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const auto header = Inspect(damaged);
    ASSERT_FALSE(header.ok()) << at;
    EXPECT_NE(header.status().message().find("checksum"), std::string::npos);
  }
}

TEST(ImageFormat, SkipsAThumbnailInsideAJpegHeader) {
  const std::string thumbnail = Encoded(2, 2, "jpg");
  std::string jpeg = Encoded(20, 10, "jpg");
  const size_t length = thumbnail.size() + 2;
  std::string segment = "\xFF\xE1";
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 0xFF);
  jpeg.insert(2, segment + thumbnail);
  const auto header = Inspect(jpeg);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->width, 20u);
  EXPECT_FALSE(Inspect(jpeg.substr(0, jpeg.size() - 2)).ok());
}

TEST(ImageFormat, AcceptsBytesBehindTheEnd) {
  EXPECT_TRUE(Inspect(Encoded(8, 8, "jpg") + "camera notes").ok());
  EXPECT_TRUE(Inspect(Encoded(8, 8, "png") + "notes").ok());
}

TEST(ImageFormat, EssentialPngDropsTextsAndKeepsThePicture) {
  const std::string png = Encoded(8, 8, "png");
  std::string with_text = png;
  // tEXt "a\0b" with its checksum as zlib gives it.
  with_text.insert(33, std::string("\0\0\0\3tEXta\0b", 11) + "\xEC\x8D\x1B\x1B");
  const auto inspected = Inspect(with_text);
  EXPECT_EQ(EssentialPng(AsBytes(png)), png);
  EXPECT_FALSE(
      inspected
          .ok());  // the checksum is wrong on purpose: chunks that are dropped are checked as well
  EXPECT_EQ(EssentialPng(AsBytes(with_text)), png);
}

}  // namespace
}  // namespace augstore
