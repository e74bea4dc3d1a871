// What every Store must do, as one suite that runs against each implementation. A test file gives
// it a fixture:
//   struct MemoryMaker { std::unique_ptr<Store> Make(); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryMaker);
#ifndef AUGSTORE_TESTS_STORAGE_STORE_STORE_CONTRACT_H_
#define AUGSTORE_TESTS_STORAGE_STORE_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>
#include <thread>

#include "schemas/base/limits.h"
#include "storage/store/store.h"
#include "tests/support/embeddings.h"

namespace augstore {

template <typename Maker>
class StoreContract : public testing::Test {
 protected:
  Maker maker_;
  std::unique_ptr<Store> store_ = maker_.Make();
  Digest backbone_ = TestDigest(1);
};
TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, AddsRecordsAsAscendingVersions) {
  Store& store = *this->store_;
  EXPECT_EQ(store.AddRecord(RecordKind::kHead, "a", "one", "blob").value(), 1u);
  EXPECT_EQ(store.AddRecord(RecordKind::kHead, "a", "two", "").value(), 2u);
  EXPECT_EQ(store.AddRecord(RecordKind::kTransform, "a", "other", "").value(), 1u);
  EXPECT_EQ(store.ReadRecord({RecordKind::kHead, "a", 1}).value(), "one");
  EXPECT_EQ(store.ReadBlob({RecordKind::kHead, "a", 1}).value(), "blob");
  EXPECT_EQ(store.ReadBlob({RecordKind::kHead, "a", 2}).value(), "");
  EXPECT_EQ(store.ReadRecord({RecordKind::kHead, "a", 3}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.ReadBlob({RecordKind::kHead, "a", 3}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.ReadRecord({RecordKind::kHead, "b", 1}).status().code(), Code::kNotFound);
}

TYPED_TEST_P(StoreContract, NeverUsesAVersionTwice) {
  Store& store = *this->store_;
  ASSERT_EQ(store.AddRecord(RecordKind::kCollection, "c", "x", "").value(), 1u);
  ASSERT_EQ(store.AddRecord(RecordKind::kCollection, "c", "y", "").value(), 2u);
  ASSERT_TRUE(store.DeleteRecord({RecordKind::kCollection, "c", 2}).ok());
  ASSERT_TRUE(store.DeleteRecord({RecordKind::kCollection, "c", 1}).ok());
  EXPECT_EQ(store.DeleteRecord({RecordKind::kCollection, "c", 1}).code(), Code::kNotFound);
  EXPECT_EQ(store.AddRecord(RecordKind::kCollection, "c", "z", "").value(), 3u);
}

TYPED_TEST_P(StoreContract, ListsRecordsByNameThenVersion) {
  Store& store = *this->store_;
  for (const char* name : {"b", "a.x", "a", "a"}) {
    ASSERT_TRUE(store.AddRecord(RecordKind::kTransform, name, name, "w").ok());
  }
  ASSERT_TRUE(store.AddRecord(RecordKind::kHead, "h", "h", "").ok());
  std::string order;
  const auto entries = store.ListRecords(RecordKind::kTransform, "").value();
  for (const RecordEntry& entry : entries) {
    order += fmt::format("{}@{} ", entry.key.name, entry.key.version);
    EXPECT_EQ(entry.bytes, entry.key.name);
  }
  EXPECT_EQ(order, "a@1 a@2 a.x@1 b@1 ");
  EXPECT_EQ(store.ListRecords(RecordKind::kTransform, "a").value().size(), 2u);
  EXPECT_TRUE(store.ListRecords(RecordKind::kTransform, "none").value().empty());
  const std::vector<std::string> names = {"a", "a.x", "b"};
  EXPECT_EQ(store.ListNames(RecordKind::kTransform, 10).value(), names);
  EXPECT_EQ(store.ListNames(RecordKind::kTransform, 2).value().size(), 2u);
  EXPECT_TRUE(store.ListNames(RecordKind::kBackbone, 10).value().empty());
}

TYPED_TEST_P(StoreContract, FindsTheNewestVersionOfAName) {
  Store& store = *this->store_;
  EXPECT_EQ(store.LatestRecord(RecordKind::kTransform, "a").status().code(), Code::kNotFound);
  for (const char* name : {"a", "a", "a.x", "a", "b"}) {
    ASSERT_TRUE(store.AddRecord(RecordKind::kTransform, name, name, "w").ok());
  }
  const RecordEntry latest = store.LatestRecord(RecordKind::kTransform, "a").value();
  EXPECT_EQ(latest.key, (RecordKey{RecordKind::kTransform, "a", 3}));
  EXPECT_EQ(latest.bytes, "a");
  ASSERT_TRUE(store.DeleteRecord(latest.key).ok());
  EXPECT_EQ(store.LatestRecord(RecordKind::kTransform, "a").value().key.version, 2u);
  EXPECT_EQ(store.LatestRecord(RecordKind::kHead, "a").status().code(), Code::kNotFound);
  EXPECT_EQ(store.LatestRecord(RecordKind::kTransform, "").status().code(), Code::kNotFound);
}

TYPED_TEST_P(StoreContract, OverwritesNothingButAliases) {
  Store& store = *this->store_;
  EXPECT_TRUE(store.PutRecord(RecordKind::kAliases, "head/a", "one").ok());
  EXPECT_TRUE(store.PutRecord(RecordKind::kAliases, "head/a", "two").ok());
  EXPECT_EQ(store.ReadRecord({RecordKind::kAliases, "head/a", 1}).value(), "two");
  EXPECT_EQ(store.PutRecord(RecordKind::kHead, "a", "x").code(), Code::kInvalidArgument);
  EXPECT_EQ(store.AddRecord(RecordKind::kAliases, "a", "x", "").status().code(),
            Code::kInvalidArgument);
}

TYPED_TEST_P(StoreContract, RefusesNamesAndKindsThatCannotBeKeys) {
  Store& store = *this->store_;
  const auto code = [&](RecordKind kind, const std::string& name) {
    return store.AddRecord(kind, name, "x", "").status().code();
  };
  EXPECT_EQ(code(RecordKind::kHead, ""), Code::kInvalidArgument);
  EXPECT_EQ(code(RecordKind::kHead, std::string("a\0b", 3)), Code::kInvalidArgument);
  EXPECT_EQ(code(RecordKind::kHead, std::string(5000, 'a')), Code::kInvalidArgument);
  EXPECT_EQ(code(RecordKind::kSpace, "a"), Code::kInvalidArgument);
  EXPECT_EQ(store.ListRecords(RecordKind::kSpace, "").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store.DeleteRecord({RecordKind::kSpace, "a", 1}).code(), Code::kInvalidArgument);
}

TYPED_TEST_P(StoreContract, OpensOneSpacePerBackbone) {
  Store& store = *this->store_;
  EXPECT_EQ(store.FindSpace(this->backbone_).status().code(), Code::kNotFound);
  const SpaceId space = store.OpenSpace(this->backbone_, 8).value();
  EXPECT_EQ(store.OpenSpace(this->backbone_, 8).value(), space);
  EXPECT_NE(store.OpenSpace(TestDigest(2), 4).value(), space);
  EXPECT_EQ(store.OpenSpace(this->backbone_, 9).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(store.OpenSpace(TestDigest(3), 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store.OpenSpace(TestDigest(3), kMaxDim + 1).status().code(), Code::kInvalidArgument);
  const SpaceInfo info = store.FindSpace(this->backbone_).value();
  EXPECT_EQ(info.id, space);
  EXPECT_EQ(info.dim, 8u);
  EXPECT_EQ(info.rows, 0u);
}

TYPED_TEST_P(StoreContract, GivesBackWhatWasAppendedInAnyOrder) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 5).value();
  const Matrix embeddings = TestEmbeddings(700, 5, 1);
  const std::vector<RowId> rows = AppendOk(&store, space, TestImages(0, 700), embeddings);
  EXPECT_EQ(store.FindSpace(this->backbone_).value().rows, 700u);
  EXPECT_EQ(store.FindSpace(this->backbone_).value().segments, 3u);
  std::vector<RowId> asked;
  std::vector<size_t> expected;
  for (size_t i = 0; i < 1000; ++i) {
    expected.push_back(i * 389 % 700);
    asked.push_back(rows[expected.back()]);
  }
  Matrix out(asked.size(), 5);
  ASSERT_TRUE(store.ReadRows(space, asked, out.view()).ok());
  for (size_t i = 0; i < asked.size(); ++i) ExpectSameRow(out, i, embeddings, expected[i]);
}

TYPED_TEST_P(StoreContract, KeepsTheFirstRowOfAnImage) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 2).value();
  const Matrix first = TestEmbeddings(3, 2, 1);
  const std::vector<RowId> rows = AppendOk(&store, space, TestImages(0, 3), first);
  // Images 2, 3, 3, 4: one is stored, one comes twice.
  std::vector<ContentHash> images = {TestImage(2), TestImage(3), TestImage(3), TestImage(4)};
  const Matrix second = TestEmbeddings(4, 2, 2);
  const std::vector<RowId> more = AppendOk(&store, space, images, second);
  EXPECT_EQ(more[0], rows[2]);
  EXPECT_EQ(more[1], more[2]);
  EXPECT_EQ(std::set<RowId>(more.begin(), more.end()).size(), 3u);
  EXPECT_EQ(store.FindSpace(this->backbone_).value().rows, 5u);
  Matrix out(4, 2);
  ASSERT_TRUE(store.ReadRows(space, more, out.view()).ok());
  ExpectSameRow(out, 0, first, 2);
  ExpectSameRow(out, 2, second, 1);
  ExpectSameRow(out, 3, second, 3);
}

TYPED_TEST_P(StoreContract, NumbersRowsBySegmentAndLeavesAGapBehindAShortOne) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 1).value();
  const auto first = AppendOk(&store, space, TestImages(0, 300), TestEmbeddings(300, 1, 1));
  const auto second = AppendOk(&store, space, TestImages(300, 1), TestEmbeddings(1, 1, 2));
  EXPECT_EQ(first[0], 0u);
  EXPECT_EQ(first[299], 299u);
  EXPECT_EQ(second[0], RowId{2} * kSegmentRows);
  Matrix out(1, 1);
  for (RowId missing : {RowId{300}, RowId{511}, RowId{513}, RowId{768}, kNoRow}) {
    const Status status = store.ReadRows(space, {&missing, 1}, out.view());
    EXPECT_EQ(status.code(), Code::kNotFound);
    EXPECT_NE(status.message().find(std::to_string(missing)), std::string::npos) << missing;
  }
}

TYPED_TEST_P(StoreContract, SeparatesSpaces) {
  Store& store = *this->store_;
  const SpaceId a = store.OpenSpace(TestDigest(1), 2).value();
  const SpaceId b = store.OpenSpace(TestDigest(2), 2).value();
  AppendOk(&store, a, TestImages(0, 2), TestEmbeddings(2, 2, 1));
  std::vector<RowId> rows(2);
  ASSERT_TRUE(store.FindImages(b, TestImages(0, 2), rows).ok());
  EXPECT_EQ(rows, std::vector<RowId>(2, kNoRow));
  ASSERT_TRUE(store.FindImages(a, TestImages(1, 2), rows).ok());
  EXPECT_EQ(rows, (std::vector<RowId>{1, kNoRow}));
  const RowId row = 0;
  Matrix out(1, 2);
  EXPECT_EQ(store.ReadRows(b, {&row, 1}, out.view()).code(), Code::kNotFound);
  EXPECT_EQ(store.ReadRows(99, {&row, 1}, out.view()).code(), Code::kNotFound);
  EXPECT_EQ(store.FindImages(0, TestImages(0, 2), rows).code(), Code::kNotFound);
}

TYPED_TEST_P(StoreContract, RefusesWrongColumnsAndNumbersThatAreNotFinite) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 3).value();
  std::vector<RowId> rows(2);
  EXPECT_EQ(store.AppendRows(space, TestImages(0, 2), TestEmbeddings(2, 4, 1).view(), rows).code(),
            Code::kInvalidArgument);
  for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    Matrix embeddings = TestEmbeddings(2, 3, 1);
    embeddings.row(1)[2] = bad;
    const Status status = store.AppendRows(space, TestImages(0, 2), embeddings.view(), rows);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_NE(status.message().find("embedding 1"), std::string::npos) << status.message();
  }
  EXPECT_EQ(store.FindSpace(this->backbone_).value().rows, 0u);
  AppendOk(&store, space, TestImages(0, 1), TestEmbeddings(1, 3, 1));
  const RowId row = 0;
  Matrix narrow(1, 2);
  EXPECT_EQ(store.ReadRows(space, {&row, 1}, narrow.view()).code(), Code::kInvalidArgument);
}

TYPED_TEST_P(StoreContract, AcceptsEmptyCalls) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 3).value();
  EXPECT_TRUE(store.AppendRows(space, {}, {}, {}).ok());
  EXPECT_TRUE(store.FindImages(space, {}, {}).ok());
  EXPECT_TRUE(store.ReadRows(space, {}, {nullptr, 0, 3}).ok());
  EXPECT_EQ(store.FindSpace(this->backbone_).value().segments, 0u);
}

TYPED_TEST_P(StoreContract, GivesOneRowToAnImageThatTwoThreadsAppend) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  std::vector<std::vector<RowId>> seen(2);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (size_t begin = 0; begin < 600; begin += 100) {
        const auto rows =
            AppendOk(&store, space, TestImages(begin, 100), TestEmbeddings(100, 4, begin));
        seen[t].insert(seen[t].end(), rows.begin(), rows.end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(store.FindSpace(this->backbone_).value().rows, 600u);
  EXPECT_EQ(std::set<RowId>(seen[0].begin(), seen[0].end()).size(), 600u);
}

TYPED_TEST_P(StoreContract, KeepsFeatureMapsBesideTheirEmbeddings) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  const Matrix feature_maps = TestEmbeddings(300, 12, 9);
  const QuantizedRows stored = QuantizeRows(feature_maps.view());
  std::vector<RowId> rows(300);
  ASSERT_TRUE(store
                  .AppendRows(space, TestImages(0, 300), TestEmbeddings(300, 4, 1).view(), rows,
                              stored.view())
                  .ok());
  const auto plain = AppendOk(&store, space, TestImages(300, 2), TestEmbeddings(2, 4, 2));
  const std::vector<size_t> asked = {299, 0, 256, 0};
  std::vector<RowId> asked_rows;
  for (size_t i : asked) asked_rows.push_back(rows[i]);
  Matrix out(asked.size(), 12);
  ASSERT_TRUE(store.ReadFeatureMaps(space, asked_rows, out.view()).ok());
  std::vector<float> expected(12);
  for (size_t i = 0; i < asked.size(); ++i) {
    DequantizeRow(stored.view().row(asked[i]), expected);
    EXPECT_TRUE(std::ranges::equal(out.row(i), expected)) << i;
  }
  Matrix one(1, 12);
  Matrix narrow(1, 11);
  const RowId unknown = 9999;
  EXPECT_EQ(store.ReadFeatureMaps(space, plain, Matrix(2, 12).view()).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(store.ReadFeatureMaps(space, {rows.data(), 1}, narrow.view()).code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(store.ReadFeatureMaps(space, {&unknown, 1}, one.view()).code(), Code::kNotFound);
  EXPECT_EQ(store.ReadFeatureMaps(99, {rows.data(), 1}, one.view()).code(), Code::kNotFound);
  EXPECT_EQ(VerifyAll(&store), std::vector<std::string>());
}

TYPED_TEST_P(StoreContract, RefusesFeatureMapsThatDoNotBelongToTheEmbeddings) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  QuantizedRows feature_maps = QuantizeRows(TestEmbeddings(2, 3, 9).view());
  std::vector<RowId> rows(3);
  EXPECT_EQ(store
                .AppendRows(space, TestImages(0, 3), TestEmbeddings(3, 4, 1).view(), rows,
                            feature_maps.view())
                .code(),
            Code::kInvalidArgument);
  const float bad = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(feature_maps.bytes.data(), &bad, sizeof bad);
  rows.resize(2);
  const Status refused = store.AppendRows(space, TestImages(0, 2), TestEmbeddings(2, 4, 1).view(),
                                          rows, feature_maps.view());
  EXPECT_NE(refused.message().find("feature map 0 of 2"), std::string::npos);
  EXPECT_EQ(store.FindSpace(this->backbone_).value().rows, 0u);
}

TYPED_TEST_P(StoreContract, KeepsSampleListsUntilTheyAreDropped) {
  Store& store = *this->store_;
  const uint32_t a = store.NewSampleList().value();
  const uint32_t b = store.NewSampleList().value();
  EXPECT_NE(a, b);
  const uint64_t last = ~uint64_t{0};
  ASSERT_TRUE(store.PutSampleChunks(a, std::vector<NumberedChunk>{{0, "first"}, {last, "x"}}).ok());
  ASSERT_TRUE(store.PutSampleChunks(a, std::vector<NumberedChunk>{{1, "second"}}).ok());
  ASSERT_TRUE(store.PutSampleChunks(b, std::vector<NumberedChunk>{{0, "other"}, {1, "gone"}}).ok());
  EXPECT_EQ(store.ReadSampleChunk({a, 1}).value(), "second");
  EXPECT_EQ(store.ReadSampleChunk({a, last}).value(), "x");
  EXPECT_EQ(store.ReadSampleChunk({a, 2}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.ListSampleLists().value(), (std::vector<uint32_t>{a, b}));
  const std::vector<uint32_t> lists = {a, 12345};
  const std::vector<ChunkId> chunks = {{b, 1}, {b, 99}, {54321, 0}};
  EXPECT_TRUE(store.DropSamples(lists, chunks).ok());
  EXPECT_TRUE(store.DropSamples(lists, chunks).ok()) << "what is gone is no error";
  EXPECT_TRUE(store.DropSamples({}, {}).ok());
  EXPECT_EQ(store.ReadSampleChunk({a, 0}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.ReadSampleChunk({a, last}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.PutSampleChunks(a, std::vector<NumberedChunk>{{0, "late"}}).code(),
            Code::kNotFound);
  EXPECT_EQ(store.ReadSampleChunk({b, 0}).value(), "other");
  EXPECT_EQ(store.ReadSampleChunk({b, 1}).status().code(), Code::kNotFound);
  EXPECT_EQ(store.ListSampleLists().value(), std::vector<uint32_t>{b});
  EXPECT_GT(store.NewSampleList().value(), b);
}

TYPED_TEST_P(StoreContract, DescribesItself) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  AppendOk(&store, space, TestImages(0, 3), TestEmbeddings(3, 4, 1));
  const StoreStats stats = store.Stats().value();
  EXPECT_EQ(stats.id.size(), 32u);
  EXPECT_EQ(stats.id.find_first_not_of("0123456789abcdef"), std::string::npos);
  ASSERT_EQ(stats.spaces.size(), 1u);
  EXPECT_EQ(stats.spaces[0].rows, 3u);
  EXPECT_EQ(stats.spaces[0].backbone, this->backbone_);
  EXPECT_NE(this->maker_.Make()->Stats().value().id, stats.id);
}

TYPED_TEST_P(StoreContract, FindsNoProblemsInAHealthyStore) {
  Store& store = *this->store_;
  const SpaceId space = store.OpenSpace(this->backbone_, 4).value();
  AppendOk(&store, space, TestImages(0, 300), TestEmbeddings(300, 4, 1));
  AppendOk(&store, space, TestImages(300, 7), TestEmbeddings(7, 4, 2));
  ASSERT_TRUE(store.OpenSpace(TestDigest(2), 3).ok());
  uint64_t checked = 0;
  EXPECT_EQ(VerifyAll(&store, &checked), std::vector<std::string>());
  EXPECT_GE(checked, 307u + 3u);
  for (const char* cursor :
       {"x", "segments 1", "segments 99999999999 1", "images xyz", "segments"}) {
    EXPECT_EQ(store.Verify(cursor).status().code(), Code::kInvalidArgument) << cursor;
  }
}

REGISTER_TYPED_TEST_SUITE_P(StoreContract, AddsRecordsAsAscendingVersions, NeverUsesAVersionTwice,
                            ListsRecordsByNameThenVersion, FindsTheNewestVersionOfAName,
                            OverwritesNothingButAliases, RefusesNamesAndKindsThatCannotBeKeys,
                            OpensOneSpacePerBackbone, GivesBackWhatWasAppendedInAnyOrder,
                            KeepsTheFirstRowOfAnImage,
                            NumbersRowsBySegmentAndLeavesAGapBehindAShortOne, SeparatesSpaces,
                            RefusesWrongColumnsAndNumbersThatAreNotFinite, AcceptsEmptyCalls,
                            GivesOneRowToAnImageThatTwoThreadsAppend,
                            KeepsFeatureMapsBesideTheirEmbeddings,
                            RefusesFeatureMapsThatDoNotBelongToTheEmbeddings,
                            KeepsSampleListsUntilTheyAreDropped, DescribesItself,
                            FindsNoProblemsInAHealthyStore);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_STORAGE_STORE_STORE_CONTRACT_H_
