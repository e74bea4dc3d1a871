// What every Store must do with rows of each dtype, as store_contract.h.
#ifndef AUGSTORE_TESTS_STORAGE_STORE_STORE_ROWS_CONTRACT_H_
#define AUGSTORE_TESTS_STORAGE_STORE_STORE_ROWS_CONTRACT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "schemas/weights/dtype.h"
#include "storage/store/store.h"
#include "tests/storage/store/store_contract.h"
#include "tests/support/embeddings.h"

namespace augstore {

template <typename Maker>
class StoreRowsContract : public StoreContract<Maker> {};
TYPED_TEST_SUITE_P(StoreRowsContract);

TYPED_TEST_P(StoreRowsContract, KeepsEachDtypeOfABackboneInASpaceOfItsOwn) {
  Store& store = *this->store_;
  const Matrix embeddings = TestEmbeddings(300, 6, 1);
  std::set<SpaceId> spaces;
  for (const Dtype dtype : {Dtype::kU8, Dtype::kF32, Dtype::kF16}) {
    EXPECT_EQ(store.FindSpace(this->backbone_, dtype).status().code(), Code::kNotFound);
    const SpaceId space = store.OpenSpace(this->backbone_, 6, dtype).value();
    EXPECT_TRUE(spaces.insert(space).second);
    EXPECT_EQ(store.OpenSpace(this->backbone_, 6, dtype).value(), space);
    EXPECT_EQ(store.OpenSpace(this->backbone_, 7, dtype).status().code(),
              Code::kFailedPrecondition);
    const auto rows = AppendOk(&store, space, TestImages(0, 300), embeddings);
    const SpaceInfo info = store.FindSpace(this->backbone_, dtype).value();
    EXPECT_EQ(info.dtype, dtype);
    EXPECT_EQ(info.rows, 300u);
    Matrix out(300, 6);
    ASSERT_TRUE(store.ReadRows(space, rows, out.view()).ok());
    for (size_t i = 0; i < 300; ++i) {
      std::vector<float> expected(embeddings.row(i).begin(), embeddings.row(i).end());
      RoundRow(dtype, expected);
      EXPECT_TRUE(std::ranges::equal(out.row(i), expected)) << DtypeName(dtype) << " row " << i;
    }
  }
  EXPECT_EQ(VerifyAll(&store).size(), 0u);
}

TYPED_TEST_P(StoreRowsContract, GivesStoredBytesThatStandForTheRows) {
  Store& store = *this->store_;
  const Matrix embeddings = TestEmbeddings(300, 6, 1);
  for (const Dtype dtype : {Dtype::kU8, Dtype::kF32, Dtype::kF16}) {
    const SpaceId space = store.OpenSpace(this->backbone_, 6, dtype).value();
    AppendOk(&store, space, TestImages(0, 300), embeddings);
    const std::vector<RowId> asked = {299, 0, 255, 256, 0};
    const size_t bytes = RowBytes(dtype, 6);
    std::vector<uint8_t> stored(asked.size() * bytes);
    ASSERT_TRUE(store.ReadStoredRows(space, asked, stored).ok());
    Matrix out(asked.size(), 6);
    ASSERT_TRUE(store.ReadRows(space, asked, out.view()).ok());
    std::vector<uint8_t> encoded(bytes);
    std::vector<float> decoded(6);
    for (size_t i = 0; i < asked.size(); ++i) {
      const std::span<const uint8_t> row(&stored[i * bytes], bytes);
      EncodeRow(dtype, embeddings.row(asked[i]), encoded);
      EXPECT_TRUE(std::ranges::equal(row, encoded)) << DtypeName(dtype) << " row " << i;
      DecodeRow(dtype, row, decoded);
      EXPECT_TRUE(std::ranges::equal(out.row(i), decoded)) << DtypeName(dtype) << " row " << i;
    }
    const RowId missing = 300;
    EXPECT_EQ(store.ReadStoredRows(space, {&missing, 1}, encoded).code(), Code::kNotFound);
  }
}

TYPED_TEST_P(StoreRowsContract, TakesHintsAboutRowsThatAreNotThere) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  AppendOk(&store, space, TestImages(0, 600), TestEmbeddings(600, 4, 1));
  const auto wanted = std::make_shared<int>();
  const std::vector<RowId> rows = {0, 599, 700, 1u << 20, kNoRow};
  store.ReadAheadOf(space, RowPart::kEmbedding, rows, wanted);
  store.ReadAheadOf(space, RowPart::kMap, rows, wanted);
  store.ReadAheadOf(99, RowPart::kEmbedding, rows, wanted);
  Matrix out(2, 4);
  ASSERT_TRUE(store.ReadRows(space, std::span(rows).first(2), out.view()).ok());
  ExpectSameRow(out, 1, TestEmbeddings(600, 4, 1), 599);
}

TYPED_TEST_P(StoreRowsContract, RefusesValuesThatADtypeCannotHold) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 3, Dtype::kF16).value();
  Matrix embeddings = TestEmbeddings(2, 3, 1);
  embeddings.row(1)[0] = 65520;
  std::vector<RowId> rows(2);
  const Status status = store.AppendRows(space, TestImages(0, 2), embeddings.view(), rows);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("embedding 1"), std::string::npos) << status.message();
  EXPECT_EQ(store.FindSpace(this->backbone_, Dtype::kF16).value().rows, 0u);
}

REGISTER_TYPED_TEST_SUITE_P(StoreRowsContract, KeepsEachDtypeOfABackboneInASpaceOfItsOwn,
                            GivesStoredBytesThatStandForTheRows, TakesHintsAboutRowsThatAreNotThere,
                            RefusesValuesThatADtypeCannotHold);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_STORE_STORE_ROWS_CONTRACT_H_
