#include "storage/store/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "schemas/base/limits.h"
#include "tests/support/embeddings.h"

namespace augstore {
namespace {

constexpr SegmentId kId{3, 7};

std::string Encoded(const Matrix& embeddings) {
  std::vector<size_t> indices(embeddings.rows());
  std::iota(indices.begin(), indices.end(), 0);
  return EncodeSegment(kId, embeddings.view(), indices);
}

TEST(Segment, ComesBackAsItWasInTheOrderGiven) {
  const Matrix embeddings = TestEmbeddings(10, 5, 1);
  const std::vector<size_t> indices = {7, 0, 9};
  const std::string value = EncodeSegment(kId, embeddings.view(), indices);
  EXPECT_EQ(value.size(), kSegmentHeaderBytes + 3 * 5 * sizeof(float));
  const auto segment = DecodeSegment(kId, 5, Dtype::kF32, value).value();
  EXPECT_EQ(segment->rows, 3u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(segment->data.get()) % kAlignment, 0u);
  for (size_t i = 0; i < 3; ++i) {
    std::vector<float> row(5);
    DecodeRow(segment->dtype, segment->row(i), row);
    EXPECT_TRUE(std::ranges::equal(row, embeddings.row(indices[i])));
  }
}

TEST(Segment, FindsAChangeOfAnyByte) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  for (size_t i = 0; i < value.size(); ++i) {
    if (i >= 40 && i < kSegmentHeaderBytes) continue;  // reserved bytes carry nothing
    if (i >= 29 && i < 32) continue;
    std::string damaged = value;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(DecodeSegment(kId, 3, Dtype::kF32, damaged).ok()) << "byte " << i;
  }
}

TEST(Segment, FindsTruncationAndSurplus) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_EQ(DecodeSegment(kId, 3, Dtype::kF32, value.substr(0, size)).status().code(),
              Code::kDataLoss);
  }
  EXPECT_EQ(DecodeSegment(kId, 3, Dtype::kF32, value + "x").status().code(), Code::kDataLoss);
}

TEST(Segment, OfANewerFormatIsRefusedAndNotCalledDamaged) {
  std::string value = Encoded(TestEmbeddings(2, 3, 1));
  value[4] = 2;
  const Status newer = DecodeSegment(kId, 3, Dtype::kF32, value).status();
  EXPECT_EQ(newer.code(), Code::kFailedPrecondition);
  EXPECT_NE(newer.message().find("has format 2, this augstore reads up to 1: use a newer augstore"),
            std::string::npos)
      << newer.message();
}

TEST(Segment, RefusesTheValueOfAnotherSegment) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  EXPECT_EQ(DecodeSegment({3, 8}, 3, Dtype::kF32, value).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeSegment({2, 7}, 3, Dtype::kF32, value).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeSegment(kId, 6, Dtype::kF32, value).status().code(), Code::kDataLoss);
}

TEST(Segment, HoldsFeatureMapsAsBytes) {
  const SegmentId id{3, 7, RowPart::kMap};
  const QuantizedRows feature_maps = QuantizeRows(TestEmbeddings(4, 10, 2).view());
  const std::vector<size_t> indices = {3, 1};
  const std::string value = EncodeFeatureMapSegment(id, feature_maps.view(), indices);
  EXPECT_EQ(value.size(), kSegmentHeaderBytes + 2 * QuantizedRowBytes(10));
  const auto segment = DecodeSegment(id, 0, Dtype::kU8, value).value();
  EXPECT_EQ(segment->dim, 10u);
  EXPECT_EQ(segment->bytes(), 2 * QuantizedRowBytes(10));
  EXPECT_TRUE(std::ranges::equal(segment->row(0), feature_maps.view().row(3)));
  EXPECT_EQ(DecodeSegment(kId, 0, Dtype::kF32, value).status().code(), Code::kDataLoss);
  for (const size_t byte : {0u, 8u, 16u, 24u, 28u, 32u, 70u}) {
    std::string damaged = value;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x40);
    EXPECT_FALSE(DecodeSegment(id, 0, Dtype::kU8, damaged).ok()) << "byte " << byte;
  }
}

TEST(Segment, HoldsEmbeddingsInEveryDtype) {
  const Matrix embeddings = TestEmbeddings(6, 7, 1);
  const std::vector<size_t> indices = {5, 2};
  for (const Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kU8}) {
    const std::string value = EncodeSegment(kId, embeddings.view(), indices, dtype);
    EXPECT_EQ(value.size(), kSegmentHeaderBytes + 2 * RowBytes(dtype, 7));
    const auto segment = DecodeSegment(kId, 7, dtype, value).value();
    EXPECT_EQ(segment->bytes(), 2 * RowBytes(dtype, 7));
    EXPECT_TRUE(RowsAreFinite(*segment));
    for (size_t i = 0; i < 2; ++i) {
      std::vector<float> expected(embeddings.row(indices[i]).begin(),
                                  embeddings.row(indices[i]).end());
      RoundRow(dtype, expected);
      std::vector<float> row(7);
      DecodeRow(dtype, segment->row(i), row);
      EXPECT_EQ(row, expected);
    }
    const Dtype other = dtype == Dtype::kU8 ? Dtype::kF16 : Dtype::kU8;
    EXPECT_EQ(DecodeSegment(kId, 7, other, value).status().code(), Code::kDataLoss);
  }
}

TEST(Segment, KnowsWhatIsFinite) {
  std::vector<float> values(1000, -3.5f);
  values[10] = std::numeric_limits<float>::max();
  values[11] = std::numeric_limits<float>::denorm_min();
  EXPECT_TRUE(AllFinite(values));
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    for (size_t size = 1; size < 10; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::vector<float> few(size, -3.5f);
        few[at] = bad;
        EXPECT_FALSE(AllFinite(few)) << size << " " << at;
      }
    }
    values[998] = bad;
    EXPECT_FALSE(AllFinite(values));
  }
  EXPECT_TRUE(AllFinite({}));
}

TEST(Segment, ErasedRowsAreGoneAndTheOthersStay) {
  const Matrix embeddings = TestEmbeddings(5, 3, 1);
  const std::vector<size_t> all = {0, 1, 2, 3, 4};
  const SegmentId id{1, 2};
  const std::string value = EncodeSegment(id, embeddings.view(), all);
  const std::string once = EraseInSegment(value, std::vector<size_t>{2});
  const std::string twice = EraseInSegment(once, std::vector<size_t>{4});
  const auto segment = DecodeSegment(id, 3, Dtype::kF32, twice);
  ASSERT_TRUE(segment.ok()) << segment.status().ToString();
  EXPECT_EQ((*segment)->rows, 5u);
  EXPECT_EQ((*segment)->intact, 2u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ((*segment)->Has(i), i < 5 && i != 2 && i != 4) << i;
  EXPECT_TRUE(
      std::ranges::equal((*segment)->row(3), (*DecodeSegment(id, 3, Dtype::kF32, value))->row(3)));
  EXPECT_TRUE(std::ranges::all_of((*segment)->row(2), [](uint8_t byte) { return byte == 0; }));
  std::string damaged = twice;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_EQ(DecodeSegment(id, 3, Dtype::kF32, damaged).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeSegment(id, 3, Dtype::kF32, twice.substr(0, twice.size() - 1)).status().code(),
            Code::kDataLoss);
}

}  // namespace
}  // namespace augstore
