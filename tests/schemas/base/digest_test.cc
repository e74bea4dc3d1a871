#include "schemas/base/digest.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Sha256, MatchesTheStandardsVectors) {
  EXPECT_EQ(Sha256(Bytes("abc")).Hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256({}).Hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(DigestBuilder, AddsBytesWithoutTheirLength) {
  EXPECT_EQ(DigestBuilder().AddBytes(Bytes("a")).AddBytes(Bytes("bc")).Finish(),
            Sha256(Bytes("abc")));
}

TEST(DigestBuilder, AddsIntegersLittleEndianAndTextWithItsLength) {
  const std::string expected{8, 7, 6, 5, 4, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i'};
  EXPECT_EQ(DigestBuilder().AddU64(0x0102030405060708).AddText("hi").Finish(),
            Sha256(Bytes(expected)));
}

TEST(DigestBuilder, TellsApartTextsThatAreCutDifferently) {
  EXPECT_NE(DigestBuilder().AddText("ab").AddText("c").Finish(),
            DigestBuilder().AddText("a").AddText("bc").Finish());
}

TEST(DigestBuilderDeathTest, FinishesOnce) {
  DigestBuilder builder;
  builder.Finish();
  EXPECT_DEATH(builder.Finish(), "check failed");
  EXPECT_DEATH(builder.AddU64(1), "check failed");
}

TEST(Sha256File, HashesFilesOfEverySizeAroundItsBuffer) {
  const TempDir folder;
  constexpr size_t kBuffer = 1u << 20;
  for (size_t size : {size_t{0}, size_t{1}, kBuffer - 1, kBuffer, kBuffer + 1}) {
    const std::string bytes(size, 'x');
    const auto digest = Sha256File(folder.Write("file", bytes));
    ASSERT_TRUE(digest.ok()) << digest.status().ToString();
    EXPECT_EQ(*digest, Sha256(Bytes(bytes))) << size;
  }
}

TEST(Sha256File, NamesAMissingFile) {
  const TempDir folder;
  const auto digest = Sha256File(folder.path() + "/missing");
  EXPECT_EQ(digest.status().code(), Code::kNotFound);
  EXPECT_NE(digest.status().message().find("/missing"), std::string::npos);
}

TEST(Sha256File, RefusesAFolder) {
  const TempDir folder;
  EXPECT_EQ(Sha256File(folder.path()).status().code(), Code::kUnavailable);
}

TEST(HashContent, IsTheFirstHalfOfTheSha256) {
  EXPECT_EQ(HashContent({}).Hex(), "e3b0c44298fc1c149afbf4c8996fb924");
  EXPECT_TRUE(Sha256(Bytes("image")).Hex().starts_with(HashContent(Bytes("image")).Hex()));
}

TEST(HashContent, DependsOnEveryByte) {
  std::set<ContentHash> hashes;
  for (size_t i = 0; i < 300; ++i) {
    std::string bytes(300, 'a');
    bytes[i] = 'b';
    hashes.insert(HashContent(Bytes(bytes)));
  }
  EXPECT_EQ(hashes.size(), 300U);
}

TEST(DeriveHash, GivesTheImagesHashForNoOp) {
  const ContentHash image = HashContent(Bytes("image"));
  EXPECT_EQ(DeriveHash(image, ""), image);
}

TEST(DeriveHash, DependsOnImageAndOp) {
  const ContentHash first = HashContent(Bytes("first"));
  const ContentHash second = HashContent(Bytes("second"));
  const std::set<ContentHash> hashes = {first,
                                        second,
                                        DeriveHash(first, "hflip"),
                                        DeriveHash(first, "vflip"),
                                        DeriveHash(second, "hflip"),
                                        DeriveHash(DeriveHash(first, "hflip"), "hflip")};
  EXPECT_EQ(hashes.size(), 6U);
}

TEST(DeriveHash, DiffersFromTheHashOfAFileWithTheSameBytes) {
  const ContentHash image = HashContent(Bytes("image"));
  std::string file(image.bytes.begin(), image.bytes.end());
  file += "hflip";
  EXPECT_NE(DeriveHash(image, "hflip"), HashContent(Bytes(file)));
}

TEST(DeriveHash, NeverChanges) {
  EXPECT_EQ(DeriveHash(HashContent({}), "hflip").Hex(), "86f9fb459418f8dcac39efb27f159271");
}

TEST(Checksum64, IsXxh3Of64Bits) { EXPECT_EQ(Checksum64({}), 0x2D06800538D394C2U); }

}  // namespace
}  // namespace augstore
