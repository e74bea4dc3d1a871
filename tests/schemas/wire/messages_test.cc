#include "schemas/wire/messages.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "schemas/base/limits.h"
#include "tests/schemas/wire/message_samples.h"

namespace augstore {
namespace {

using samples::Chunk;
using samples::Fields;
using samples::Fill;

// What a decoder promises about lengths and enums, whatever the bytes were.
template <typename T>
void CheckPromises(const T&) {}
void CheckPromises(const AppendRowsRequest& message) {
  const size_t rows = message.embeddings.rows();
  EXPECT_LE(rows, kMaxBatchRows);
  EXPECT_TRUE(message.images.empty() || message.images.size() == rows);
  EXPECT_EQ(
      message.feature_maps.bytes.size(),
      message.feature_maps.values == 0 ? 0 : rows * QuantizedRowBytes(message.feature_maps.values));
}
void CheckPromises(const AppendSamplesRequest& message) {
  EXPECT_EQ(message.samples.keys.size(), message.samples.size());
  EXPECT_EQ(message.samples.splits.size(), message.samples.size());
  for (const auto& column : message.samples.labels)
    EXPECT_EQ(column.size(), message.samples.size());
}
void CheckPromises(const GetRecordRequest& message) {
  EXPECT_GE(message.kind, RecordKind::kBackbone);
  EXPECT_LE(message.kind, RecordKind::kErasure);
}

template <typename T>
class Messages : public testing::Test {
 public:
  static T Value() {
    T message;
    Fill(&message);
    return message;
  }
};
TYPED_TEST_SUITE(Messages, MessageTypes);

TYPED_TEST(Messages, ComeBackAsTheyWere) {
  const TypeParam value = this->Value();
  const Frame frame = ToFrame(value, 17);
  EXPECT_EQ(frame.request_id, 17u);
  const Result<TypeParam> back = FromFrame<TypeParam>(frame);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(Fields(*back) == Fields(value));
}

TYPED_TEST(Messages, ComeBackAtTheirDefaults) {
  const Result<TypeParam> back = FromFrame<TypeParam>(ToFrame(TypeParam{}));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  const TypeParam value{};
  EXPECT_TRUE(Fields(*back) == Fields(value));
}

TYPED_TEST(Messages, EncodeToTheSameAlignedBytesEachTime) {
  const SharedBytes one = EncodeBody(this->Value());
  const SharedBytes two = EncodeBody(this->Value());
  EXPECT_EQ(one.text(), two.text());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(one.bytes.data()) % kAlignment, 0u);
}

TYPED_TEST(Messages, DecodeAtAnyAddress) {
  const std::string text(EncodeBody(this->Value()).text());
  for (size_t shift = 0; shift < 8; ++shift) {
    SharedBytes body = SharedBytes::FromString(std::string(shift, 'x') + text);
    body.bytes = body.bytes.subspan(shift);
    TypeParam back;
    const Status status = DecodeBody(body, &back);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
}

TYPED_TEST(Messages, TruncatedAnywhereNeverCrash) {
  const std::string text(EncodeBody(this->Value()).text());
  for (size_t size = 0; size < text.size(); ++size) {
    TypeParam back;
    const Status status = DecodeBody(SharedBytes::FromString(text.substr(0, size)), &back);
    if (status.ok()) {
      EXPECT_TRUE(Fields(back) == Fields(this->Value())) << "only padding may be missing: " << size;
    } else {
      EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
    }
  }
}

TYPED_TEST(Messages, WithFlippedBytesNeverCrash) {
  std::mt19937 random(5);
  const std::string text(EncodeBody(this->Value()).text());
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = text;
    for (uint32_t i = 0; i <= random() % 3; ++i)
      damaged[random() % text.size()] = static_cast<char>(random());
    TypeParam back;
    if (DecodeBody(SharedBytes::FromString(std::move(damaged)), &back).ok()) CheckPromises(back);
  }
}

TYPED_TEST(Messages, AreNotTakenForEachOther) {
  Frame frame = ToFrame(this->Value());
  frame.type = MessageType{77};
  const Result<TypeParam> back = FromFrame<TypeParam>(frame);
  EXPECT_EQ(back.status().code(), Code::kInvalidArgument);
  EXPECT_NE(back.status().message().find("message type 77"), std::string::npos);
  EXPECT_NE(back.status().message().find(MessageTypeName(MessageTypeOf<TypeParam>::value)),
            std::string::npos);
}

TYPED_TEST(Messages, GiveTheStatusOfAnErrorFrame) {
  const Frame frame = ErrorFrame(NotFound("collection '{}' does not exist", "x"), 4);
  EXPECT_EQ(frame.request_id, 4u);
  EXPECT_EQ(FromFrame<TypeParam>(frame).status().ToString(),
            "NotFound: collection 'x' does not exist");
}

template <typename T>
void ExpectRefused(const T& message, std::string_view field) {
  const Result<T> back = FromFrame<T>(ToFrame(message));
  EXPECT_EQ(back.status().code(), Code::kInvalidArgument);
  EXPECT_NE(back.status().message().find(field), std::string::npos) << back.status().ToString();
}

TEST(MessageLimits, OfTextsAreKept) {
  ExpectRefused(GetRecordRequest{RecordKind::kHead, std::string(kMaxRefBytes + 1, 'x'), false},
                "GetRecordRequest.ref");
  ExpectRefused(AddRecordRequest{RecordKind::kHead, std::string(kMaxNameBytes + 1, 'x'), "", ""},
                "AddRecordRequest.name");
  ExpectRefused(StatsReply{std::string(kMaxTextBytes + 1, 'x')}, "StatsReply.json");
  SampleChunk chunk = Chunk();
  chunk.keys[0] = std::string(kMaxKeyBytes + 1, 'x');
  ExpectRefused(AppendSamplesRequest{1, chunk}, "AppendSamplesRequest.samples.keys");
  StreamSpec spec = samples::Spec();
  spec.split = std::string(kMaxKeyBytes + 1, 'x');
  ExpectRefused(OpenStreamRequest{spec}, "spec.split");
}

TEST(MessageLimits, OfCountsAreKept) {
  ExpectRefused(RowIdsReply{std::vector<RowId>(kMaxBatchRows + 1)}, "RowIdsReply.rows");
  ExpectRefused(FindImagesRequest{Digest(), std::vector<ContentHash>(kMaxBatchRows + 1)}, "images");
  ExpectRefused(QueryRequest{"c", std::vector<SampleId>(kMaxBatchRows + 1), "identity", ""},
                "samples");
  ExpectRefused(DraftReply{1, std::vector<LabelColumn>(kMaxLabelColumns + 1)}, "labels");
  StreamReply stream;
  stream.chains.resize(kMaxChains + 1);
  ExpectRefused(stream, "chains");
  EXPECT_TRUE(FromFrame<RowIdsReply>(ToFrame(RowIdsReply{std::vector<RowId>(kMaxBatchRows)})).ok());
}

TEST(MessageLimits, OfEnumsAreKept) {
  ExpectRefused(GetRecordRequest{RecordKind{0}, "x", false}, "GetRecordRequest.kind");
  ExpectRefused(ListRecordsRequest{RecordKind{10}, "x"}, "ListRecordsRequest.kind");
  RecordListReply list;
  list.records = {{RecordKind::kHead, "a", 1, "", ""}, {RecordKind{255}, "b", 1, "", ""}};
  ExpectRefused(list, "kind");
}

TEST(MessageLimits, OfAFigureThatIsNoNumberAreKept) {
  SetAliasRequest request;
  request.min_r2 = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused(request, "SetAliasRequest.min_r2 is not finite");
}

TEST(MessageLimits, OfMatricesAreKept) {
  AppendRowsRequest request;
  Fill(&request);
  request.feature_maps.bytes.pop_back();
  ExpectRefused(request, "AppendRowsRequest.feature_maps");
  request.feature_maps = {{1, 2, 3}, 0};
  ExpectRefused(request, "AppendRowsRequest.feature_maps");
  request.feature_maps = {{}, kMaxDim + 1};
  ExpectRefused(request, "AppendRowsRequest.feature_map_values");
  request.feature_maps = {};
  request.images.pop_back();
  ExpectRefused(request, "AppendRowsRequest.embeddings");
  request.embeddings = Matrix(1, 0);
  ExpectRefused(request, "AppendRowsRequest.dim");
  request.images.clear();
  request.embeddings = Matrix(kMaxBatchRows + 1, 1);
  ExpectRefused(request, "AppendRowsRequest.rows");
}

// A body whose list of records names one blob many times is small, but would be large when copied.
TEST(MessageLimits, OfCopiesAreKept) {
  RecordListReply list;
  list.records = {{RecordKind::kHead, "a", 1, std::string(1000, 'a'), ""},
                  {RecordKind::kHead, "b", 1, std::string(1000, 'b'), ""},
                  {RecordKind::kHead, "c", 1, std::string(1000, 'c'), ""}};
  std::string text(EncodeBody(list).text());
  // The vector of tables is the only place with the number 3; make each of its offsets point at the
  // first table.
  size_t at = 0;
  for (size_t i = 0; i + 16 <= 200; i += 4) {
    if (std::string_view(text).substr(i, 4) == std::string_view("\3\0\0\0", 4)) at = i + 4;
  }
  ASSERT_GT(at, 0u);
  const auto read = [&](size_t i) {
    uint32_t value = 0;
    std::copy_n(text.data() + i, 4, reinterpret_cast<char*>(&value));
    return value;
  };
  const uint32_t last = read(at + 8) + 8;
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t offset = last - 4 * i;
    std::copy_n(reinterpret_cast<const char*>(&offset), 4, text.data() + at + 4 * i);
  }
  text.resize(text.size() - 1000);  // of a record that is named no more
  RecordListReply back;
  const Status status = DecodeBody(SharedBytes::FromString(text), &back);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_NE(status.message().find("another field names too"), std::string::npos)
      << status.ToString();
}

TEST(ErrorFrames, CarryEveryCode) {
  for (uint8_t code = 1; code <= static_cast<uint8_t>(Code::kInternal); ++code) {
    const Status status = ExpectType(ErrorFrame({Code{code}, "why"}, 1), MessageType::kEndReply);
    EXPECT_EQ(status.code(), Code{code});
    EXPECT_EQ(status.message(), "why");
  }
}

TEST(ErrorFrames, OfAnUnknownCodeAreInternal) {
  for (const uint8_t code : {uint8_t{12}, uint8_t{255}}) {
    const Status status = ExpectType(ErrorFrame({Code{code}, "why"}, 1), MessageType::kEndReply);
    EXPECT_EQ(status.code(), Code::kInternal);
    EXPECT_NE(status.message().find("why"), std::string::npos);
  }
}

TEST(ErrorFrames, AreNeverOkWhateverTheirBytes) {
  std::mt19937 random(9);
  const Frame frame = ErrorFrame(NotFound("collection 'x' does not exist"), 1);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged(frame.body.text().substr(0, random() % (frame.body.bytes.size() + 1)));
    if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random());
    const Frame received{MessageType::kErrorReply, 1, SharedBytes::FromString(damaged)};
    EXPECT_FALSE(ExpectType(received, MessageType::kEndReply).ok());
  }
}

TEST(ErrorFrames, CutMessagesThatAreTooLong) {
  const Status status = ExpectType(
      ErrorFrame(Internal("{}", std::string(kMaxTextBytes + 5, 'x')), 1), MessageType::kEndReply);
  EXPECT_EQ(status.message().size(), kMaxTextBytes);
}

TEST(ExpectType, NamesWhatWasExpectedAndReceived) {
  const Status status = ExpectType(ToFrame(EndReply{}), MessageType::kBatchReply);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("expected BatchReply but received EndReply"), std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace augstore
