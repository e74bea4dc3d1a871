#include "schemas/records/records.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "schemas/base/limits.h"
#include "tests/schemas/records/record_samples.h"

namespace augstore {
namespace {

BackboneRecord Sample(BackboneRecord*) { return samples::Backbone(); }
CollectionRecord Sample(CollectionRecord*) { return samples::Collection(); }
SampleChunk Sample(SampleChunk*) { return samples::Chunk(); }
ChunkTable Sample(ChunkTable*) { return samples::Table(); }
ChunkSummary Sample(ChunkSummary*) { return samples::Summary(); }
TransformRecord Sample(TransformRecord*) { return samples::Transform(); }
HeadRecord Sample(HeadRecord*) { return samples::Head(); }
AliasHistory Sample(AliasHistory*) { return samples::Aliases(); }
KeyRecord Sample(KeyRecord*) { return samples::KeyOfAccess(); }
ErasureRecord Sample(ErasureRecord*) { return samples::Erasure(); }

// What a decoder promises about lengths, whatever the bytes were.
template <typename T>
void CheckLengths(const T&) {}
void CheckLengths(const BackboneRecord& record) {
  EXPECT_EQ(record.mean.size(), record.stddev.size());
}
void CheckLengths(const SampleChunk& chunk) {
  EXPECT_EQ(chunk.splits.size(), chunk.size());
  EXPECT_EQ(chunk.images.size(), chunk.size());
  EXPECT_TRUE(chunk.rows.empty() || chunk.rows.size() == chunk.size());
  for (const auto& column : chunk.labels) EXPECT_EQ(column.size(), chunk.size());
  for (const uint16_t split : chunk.splits) EXPECT_LT(split, chunk.split_names.size());
}
void CheckLengths(const KeyRecord& record) {
  EXPECT_GE(record.role, Role::kRead);
  EXPECT_LE(record.role, Role::kAdmin);
}
void CheckLengths(const TransformRecord& record) {
  for (const LayerShape& layer : record.layers) EXPECT_LE(layer.activation, Activation::kRelu);
}

template <typename T>
class Records : public testing::Test {
 public:
  static T Value() { return Sample(static_cast<T*>(nullptr)); }
};
using RecordTypes =
    testing::Types<BackboneRecord, CollectionRecord, SampleChunk, ChunkTable, ChunkSummary,
                   TransformRecord, HeadRecord, AliasHistory, KeyRecord, ErasureRecord>;
TYPED_TEST_SUITE(Records, RecordTypes);

TYPED_TEST(Records, ComeBackAsTheyWere) {
  const TypeParam value = this->Value();
  const Result<TypeParam> back = Decode<TypeParam>(Encode(value));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(*back == value);
  EXPECT_FALSE(*back == TypeParam{});
}

TYPED_TEST(Records, ComeBackAtTheirDefaults) {
  const Result<TypeParam> back = Decode<TypeParam>(Encode(TypeParam{}));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(*back == TypeParam{});
}

TYPED_TEST(Records, EncodeToTheSameBytesEachTime) {
  EXPECT_EQ(Encode(this->Value()), Encode(this->Value()));
  EXPECT_EQ(Encode(*Decode<TypeParam>(Encode(this->Value()))), Encode(this->Value()));
}

TYPED_TEST(Records, DecodeAtAnyAddress) {
  const std::string bytes = Encode(this->Value());
  for (size_t shift = 0; shift < 8; ++shift) {
    const std::string shifted = std::string(shift, 'x') + bytes;
    const Result<TypeParam> back = Decode<TypeParam>(std::string_view(shifted).substr(shift));
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_TRUE(*back == this->Value());
  }
}

TYPED_TEST(Records, TruncatedAnywhereNeverCrash) {
  const std::string bytes = Encode(this->Value());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const Result<TypeParam> back = Decode<TypeParam>(std::string_view(part.data(), part.size()));
    if (back.ok()) {
      EXPECT_TRUE(*back == this->Value()) << "only padding may be missing: " << size;
    } else {
      EXPECT_EQ(back.status().code(), Code::kDataLoss) << back.status().ToString();
    }
  }
  EXPECT_FALSE(Decode<TypeParam>(std::string_view(bytes).substr(0, bytes.size() / 2)).ok());
}

TYPED_TEST(Records, WithFlippedBytesNeverCrash) {
  std::mt19937 random(3);
  const std::string bytes = Encode(this->Value());
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = bytes;
    for (uint32_t i = 0; i <= random() % 3; ++i)
      damaged[random() % bytes.size()] = static_cast<char>(random());
    const Result<TypeParam> back = Decode<TypeParam>(damaged);
    if (back.ok()) CheckLengths(*back);
  }
}

TYPED_TEST(Records, AreNotTakenForEachOther) {
  const Result<TypeParam> back =
      Decode<TypeParam>(std::is_same_v<TypeParam, BackboneRecord> ? Encode(samples::Aliases())
                                                                  : Encode(samples::Backbone()));
  EXPECT_EQ(back.status().code(), Code::kDataLoss);
}

TYPED_TEST(Records, OfANewerFormatAreRefusedByName) {
  std::string bytes = Encode(this->Value());
  // One of the places that hold a 32-bit 1 is the format.
  bool refused = false;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    if (std::string_view(bytes).substr(at, 4) != std::string_view("\1\0\0\0", 4)) continue;
    std::string newer = bytes;
    newer[at] = 9;
    const Result<TypeParam> back = Decode<TypeParam>(newer);
    if (back.ok() || back.status().code() != Code::kFailedPrecondition) continue;
    refused = true;
    EXPECT_NE(back.status().message().find("has format 9"), std::string::npos)
        << back.status().ToString();
  }
  EXPECT_TRUE(refused);
}

template <typename T>
void ExpectDataLoss(const T& value, std::string_view field) {
  const Result<T> back = Decode<T>(Encode(value));
  EXPECT_EQ(back.status().code(), Code::kDataLoss);
  EXPECT_NE(back.status().message().find(field), std::string::npos) << back.status().ToString();
}

TEST(RecordLimits, OfTextsAreKept) {
  BackboneRecord backbone = samples::Backbone();
  backbone.source = std::string(kMaxTextBytes, 'x');
  EXPECT_TRUE(Decode<BackboneRecord>(Encode(backbone)).ok());
  backbone.source += 'x';
  ExpectDataLoss(backbone, "backbone record.source");

  SampleChunk chunk = samples::Chunk();
  chunk.keys[1] = std::string(kMaxKeyBytes, 'x');
  EXPECT_TRUE(Decode<SampleChunk>(Encode(chunk)).ok());
  chunk.keys[1] += 'x';
  ExpectDataLoss(chunk, "sample chunk.keys");

  AliasHistory history = samples::Aliases();
  history.moves[0].alias = std::string(kMaxNameBytes + 1, 'x');
  ExpectDataLoss(history, "aliases");
}

TEST(RecordLimits, OfCountsAreKept) {
  TransformRecord transform = samples::Transform();
  transform.layers.resize(kMaxLayers + 1);
  ExpectDataLoss(transform, "layers");

  CollectionRecord collection = samples::Collection();
  collection.splits.resize(kMaxSplits + 1);
  ExpectDataLoss(collection, "splits");
  collection = samples::Collection();
  collection.labels.resize(kMaxLabelColumns + 1);
  ExpectDataLoss(collection, "labels");
  collection = samples::Collection();
  collection.dim = kMaxDim + 1;
  ExpectDataLoss(collection, "dim");

  HeadRecord head = samples::Head();
  head.classes.resize(kMaxClasses + 1);
  ExpectDataLoss(head, "classes");

  collection = samples::Collection();
  collection.views[1].count = kMaxViews - 1;  // with those of the other set
  ExpectDataLoss(collection, "counts");
  collection.views[1].count = 0;
  ExpectDataLoss(collection, "counts");
}

TEST(RecordLimits, OfEqualLengthsAreKept) {
  BackboneRecord backbone = samples::Backbone();
  backbone.stddev.pop_back();
  ExpectDataLoss(backbone, "stddev");

  SampleChunk chunk = samples::Chunk();
  chunk.keys.pop_back();
  ExpectDataLoss(chunk, "chunk");
  chunk = samples::Chunk();
  chunk.splits.push_back(0);
  ExpectDataLoss(chunk, "splits");
  chunk = samples::Chunk();
  chunk.labels[1].clear();
  ExpectDataLoss(chunk, "labels");
  chunk = samples::Chunk();
  chunk.images.pop_back();
  ExpectDataLoss(chunk, "images");
  chunk = samples::Chunk();
  chunk.views.pop_back();
  ExpectDataLoss(chunk, "views");
  chunk = samples::Chunk();
  chunk.rows.pop_back();
  ExpectDataLoss(chunk, "rows");
  chunk.rows.clear();  // as a writer sends it
  EXPECT_TRUE(Decode<SampleChunk>(Encode(chunk)).ok());

  for (int field = 0; field < 5; ++field) {
    ChunkTable table = samples::Table();
    if (field == 0) table.numbers.pop_back();
    if (field == 1) table.samples.pop_back();
    if (field == 2) table.digests.pop_back();
    if (field == 3) table.row_sums.pop_back();
    if (field == 4) table.viewed.pop_back();
    ExpectDataLoss(table, "chunk table");
  }
  ChunkSummary summary = samples::Summary();
  summary.images.pop_back();
  ExpectDataLoss(summary, "images");
}

TEST(RecordLimits, OfEnumsAndIndicesAreKept) {
  TransformRecord transform = samples::Transform();
  transform.layers[0].activation = Activation{2};
  ExpectDataLoss(transform, "activation");

  SampleChunk chunk = samples::Chunk();
  chunk.splits[0] = 2;
  ExpectDataLoss(chunk, "splits");
  chunk = samples::Chunk();
  chunk.labels[0][0] = -2;
  ExpectDataLoss(chunk, "labels");
}

TEST(RecordLimits, RefuseARecordOverItsSizeUnread) {
  const Result<AliasHistory> back = Decode<AliasHistory>(std::string(kMaxRecordBytes + 1, '\0'));
  EXPECT_EQ(back.status().code(), Code::kDataLoss);
  EXPECT_NE(back.status().message().find("the limit is"), std::string::npos)
      << back.status().ToString();
}

TEST(RecordKindNames, ParseBackToTheirKinds) {
  for (uint8_t number = 1; number <= 7; ++number) {
    const Result<RecordKind> kind = ParseRecordKind(RecordKindName(RecordKind{number}));
    ASSERT_TRUE(kind.ok());
    EXPECT_EQ(*kind, RecordKind{number});
  }
  EXPECT_EQ(RecordKindName(RecordKind{99}), "unknown");
  EXPECT_EQ(ParseRecordKind("Backbone").status().code(), Code::kInvalidArgument);
  EXPECT_NE(ParseRecordKind("trnsform").status().message().find("trnsform"), std::string::npos);
}

TEST(AliasHistoryFind, GivesTheLastMoveOfAnAlias) {
  EXPECT_EQ(samples::Aliases().Find("champion"), 3u);
  EXPECT_EQ(samples::Aliases().Find("old"), 2u);
  EXPECT_EQ(samples::Aliases().Find("missing"), 0u);
  EXPECT_EQ(AliasHistory{}.Find("champion"), 0u);
}

}  // namespace
}  // namespace augstore
