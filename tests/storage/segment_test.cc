#include "storage/segment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "schemas/limits.h"
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
  const auto segment = DecodeSegment(kId, 5, value).value();
  EXPECT_EQ(segment->rows, 3u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(segment->data.get()) % kAlignment, 0u);
  for (size_t i = 0; i < 3; ++i) {
    const auto row = segment->view().row(i);
    EXPECT_TRUE(std::equal(row.begin(), row.end(), embeddings.row(indices[i]).begin()));
  }
}

TEST(Segment, FindsAChangeOfAnyByte) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  for (size_t i = 0; i < value.size(); ++i) {
    if (i >= 40 && i < kSegmentHeaderBytes) continue;  // reserved bytes carry nothing
    if (i >= 29 && i < 32) continue;
    std::string damaged = value;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_FALSE(DecodeSegment(kId, 3, damaged).ok()) << "byte " << i;
  }
}

TEST(Segment, FindsTruncationAndSurplus) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_EQ(DecodeSegment(kId, 3, value.substr(0, size)).status().code(), Code::kDataLoss);
  }
  EXPECT_EQ(DecodeSegment(kId, 3, value + "x").status().code(), Code::kDataLoss);
}

TEST(Segment, RefusesTheValueOfAnotherSegment) {
  const std::string value = Encoded(TestEmbeddings(2, 3, 1));
  EXPECT_EQ(DecodeSegment({3, 8}, 3, value).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeSegment({2, 7}, 3, value).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeSegment(kId, 6, value).status().code(), Code::kDataLoss);
}

TEST(Segment, HoldsFeatureMapsAsBytes) {
  const SegmentId id{3, 7, RowPart::kMap};
  const QuantizedRows maps = QuantizeRows(TestEmbeddings(4, 10, 2).view());
  const std::vector<size_t> indices = {3, 1};
  const std::string value = EncodeMapSegment(id, maps.view(), indices);
  EXPECT_EQ(value.size(), kSegmentHeaderBytes + 2 * QuantizedRowBytes(10));
  const auto segment = DecodeSegment(id, 0, value).value();
  EXPECT_EQ(segment->dim, 10u);
  EXPECT_EQ(segment->bytes(), 2 * QuantizedRowBytes(10));
  EXPECT_TRUE(std::ranges::equal(segment->maps_view().row(0), maps.view().row(3)));
  EXPECT_EQ(DecodeSegment(kId, 0, value).status().code(), Code::kDataLoss);
  for (const size_t byte : {0u, 8u, 16u, 24u, 28u, 32u, 70u}) {
    std::string damaged = value;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x40);
    EXPECT_FALSE(DecodeSegment(id, 0, damaged).ok()) << "byte " << byte;
  }
}

TEST(Segment, KnowsWhatIsFinite) {
  std::vector<float> values(1000, -3.5f);
  values[10] = std::numeric_limits<float>::max();
  values[11] = std::numeric_limits<float>::denorm_min();
  EXPECT_TRUE(AllFinite(values));
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    values[999] = bad;
    EXPECT_FALSE(AllFinite(values));
  }
  EXPECT_TRUE(AllFinite({}));
}

}  // namespace
}  // namespace augstore
