// What a newer release appends to a message or a record, an older one passes over:
// docs/protocol.md, "Versions". Tables get a field of a number that no table has yet.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "schemas/wire/batch.h"
#include "tests/schemas/wire/message_samples.h"

namespace augstore {
namespace {

using samples::Fields;
using samples::Fill;

constexpr size_t kNewField = 200;

template <typename T>
T Get(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename T>
void Put(std::string* bytes, size_t at, T value) {
  std::memcpy(bytes->data() + at, &value, sizeof value);
}

// A table says where its list of fields is: the list moves to the end of the buffer, where it can
// be longer.
std::string WithNewField(std::string bytes) {
  const auto table = Get<uint32_t>(bytes, 0);
  const auto list = static_cast<size_t>(int64_t{table} - Get<int32_t>(bytes, table));
  std::string longer = bytes.substr(list, Get<uint16_t>(bytes, list));
  longer.resize(2 * (2 + kNewField + 1));  // its size and the table's, then a number for each field
  Put(&longer, 0, static_cast<uint16_t>(longer.size()));
  Put(&longer, longer.size() - 2, uint16_t{4});
  bytes.resize((bytes.size() + 7) / 8 * 8);
  Put(&bytes, table, static_cast<int32_t>(int64_t{table} - static_cast<int64_t>(bytes.size())));
  return bytes + longer;
}

Frame WithNewField(const Frame& frame) {
  return {frame.type, frame.request_id,
          SharedBytes::FromString(WithNewField(std::string(frame.body.text())))};
}

template <typename T>
class MessagesOfANewerRelease : public testing::Test {};
TYPED_TEST_SUITE(MessagesOfANewerRelease, MessageTypes);

TYPED_TEST(MessagesOfANewerRelease, AreReadWithoutTheFieldsThatThisOneDoesNotKnow) {
  TypeParam message;
  Fill(&message);
  const Result<TypeParam> read = FromFrame<TypeParam>(WithNewField(ToFrame(message, 1)));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(Fields(*read) == Fields(message));
}

TEST(BatchesOfANewerRelease, AreReadWithoutTheFieldsThatThisOneDoesNotKnow) {
  BatchWriter writer(1, 2, Dtype::kF32);
  writer.embeddings().data[1] = 2;
  const Result<Batch> batch =
      BatchFromFrame(WithNewField(BatchFrame(writer.Finish(0, 0).value(), 1)));
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  EXPECT_EQ(batch->embeddings.row(0)[1], 2.0f);
}

template <typename Record>
void ExpectReadable(const Record& record) {
  const Result<Record> read = Decode<Record>(WithNewField(Encode(record)));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(*read == record);
}

TEST(RecordsOfANewerRelease, AreReadWithoutTheFieldsThatThisOneDoesNotKnow) {
  ExpectReadable(samples::Backbone());
  ExpectReadable(samples::Collection());
  ExpectReadable(samples::Chunk());
  ExpectReadable(samples::Table());
  ExpectReadable(samples::Summary());
  ExpectReadable(samples::Transform());
  ExpectReadable(samples::Head());
  ExpectReadable(samples::KeyOfAccess());
  ExpectReadable(samples::Erasure());
}

}  // namespace
}  // namespace augstore
