#include "schemas/base/types.h"

#include <gtest/gtest.h>

#include <utility>

namespace augstore {
namespace {

Digest CountingDigest() {
  Digest digest;
  for (size_t i = 0; i < digest.bytes.size(); ++i) digest.bytes[i] = static_cast<uint8_t>(i * 8);
  return digest;
}

TEST(Digest, PrintsLowercaseHexadecimalDigits) {
  EXPECT_EQ(CountingDigest().Hex(),
            "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
}

TEST(Digest, ReadsWhatItPrints) {
  EXPECT_EQ(*Digest::FromHex(CountingDigest().Hex()), CountingDigest());
}

TEST(Digest, ReadsUppercaseDigits) {
  EXPECT_EQ(*Digest::FromHex(std::string(64, 'F')), *Digest::FromHex(std::string(64, 'f')));
}

TEST(Digest, RefusesAnotherLength) {
  for (size_t size : {0, 1, 63, 65, 128}) {
    const auto digest = Digest::FromHex(std::string(size, '0'));
    ASSERT_FALSE(digest.ok()) << size;
    EXPECT_EQ(digest.status().code(), Code::kInvalidArgument);
  }
}

TEST(Digest, RefusesOtherCharactersAndNamesThePosition) {
  for (size_t i = 0; i < 64; ++i) {
    std::string hex(64, '0');
    hex[i] = 'g';
    const auto digest = Digest::FromHex(hex);
    ASSERT_FALSE(digest.ok());
    EXPECT_NE(digest.status().message().find(fmt::format("position {}:", i)), std::string::npos);
  }
}

TEST(ContentHash, PrintsHexadecimalDigits) {
  ContentHash hash;
  hash.bytes[0] = 0xab;
  EXPECT_EQ(hash.Hex(), "ab" + std::string(30, '0'));
}

TEST(Matrix, LiesAlignedAndRowMajor) {
  Matrix matrix(3, 5);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(matrix.data()) % kAlignment, 0U);
  for (size_t i = 0; i < 15; ++i) matrix.data()[i] = static_cast<float>(i);
  EXPECT_EQ(matrix.row(2)[1], 11.0F);
  const ConstMatrixView slice = std::as_const(matrix).view().Slice(1, 2);
  EXPECT_EQ(slice.rows, 2U);
  EXPECT_EQ(slice.row(0)[0], 5.0F);
}

TEST(SharedBytes, KeepsTheStringAlive) {
  for (const std::string& value : {std::string(), std::string("short"), std::string(1000, 'x')}) {
    SharedBytes first = SharedBytes::FromString(value);
    const SharedBytes second = first;
    first = {};
    EXPECT_EQ(second.text(), value);
  }
}

}  // namespace
}  // namespace augstore
