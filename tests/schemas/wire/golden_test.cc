// The bytes of every message and record, as files: what one client writes, the others must read.
// The files under tests/golden/cpp are written here and read by tests/python; those under
// tests/golden/python the other way round.
//
// A difference means that the format has changed. When that is meant, and docs/protocol.md allows
// it, write them anew:
//   AUGSTORE_WRITE_GOLDEN=1 build/release/tests/schemas_tests --gtest_filter='Golden*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "schemas/weights/layers.h"
#include "tests/schemas/wire/message_samples.h"
#include "tests/support/places.h"

namespace augstore {
namespace {

using samples::Fields;
using samples::Fill;

constexpr uint32_t kRequestId = 17;

std::string PathOf(const std::string& folder, const std::string& name) {
  return SourcePath("tests/golden/") + folder + "/" + name + ".bin";
}

std::string ReadGolden(const std::string& folder, const std::string& name) {
  Result<std::string> bytes = ReadFile(PathOf(folder, name), kMaxReplyBytes);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  return bytes.ok() ? *bytes : "";
}

void ExpectGolden(const std::string& name, const std::string& bytes) {
  if (std::getenv("AUGSTORE_WRITE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(std::filesystem::path(PathOf("cpp", name)).parent_path());
    ASSERT_TRUE(WriteFileAtomically(PathOf("cpp", name), bytes).ok());
  }
  EXPECT_TRUE(ReadGolden("cpp", name) == bytes)
      << name << " is no longer what its golden file says";
}

std::string WholeFrame(const Frame& frame) {
  const auto header = SealHeader(frame);
  return std::string(header.begin(), header.end()) + std::string(frame.body.text());
}

Result<std::optional<Frame>> ReadFrame(const std::string& bytes) {
  FrameReader reader(kMaxReplyBytes);
  for (size_t at = 0; at < bytes.size();) {
    const std::span<uint8_t> space = reader.Prepare();
    const size_t count = std::min(space.size(), bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, space.begin());
    reader.Commit(count);
    at += count;
  }
  return reader.Next();
}

template <typename T>
class GoldenMessages : public testing::Test {};
TYPED_TEST_SUITE(GoldenMessages, MessageTypes);

TYPED_TEST(GoldenMessages, AreWrittenAsTheirFilesSay) {
  TypeParam message;
  Fill(&message);
  ExpectGolden(MessageTypeName(MessageTypeOf<TypeParam>::value),
               WholeFrame(ToFrame(message, kRequestId)));
}

TYPED_TEST(GoldenMessages, OfThePythonClientAreRead) {
  TypeParam message;
  Fill(&message);
  const auto frame =
      ReadFrame(ReadGolden("python", MessageTypeName(MessageTypeOf<TypeParam>::value)));
  ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status().ToString();
  EXPECT_EQ((*frame)->request_id, kRequestId);
  const Result<TypeParam> read = FromFrame<TypeParam>(**frame);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(Fields(*read) == Fields(message));
}

template <typename Record>
void ExpectRecord(const std::string& name, const Record& record) {
  ExpectGolden(name, Encode(record));
  const Result<Record> read = Decode<Record>(ReadGolden("python", name));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(*read == record) << name;
}

TEST(GoldenRecords, AreWrittenAsTheirFilesSayAndReadFromPython) {
  ExpectRecord("records-Backbone", samples::Backbone());
  ExpectRecord("records-Collection", samples::Collection());
  ExpectRecord("records-SampleChunk", samples::Chunk());
  ExpectRecord("records-ChunkTable", samples::Table());
  ExpectRecord("records-ChunkSummary", samples::Summary());
  ExpectRecord("records-Transform", samples::Transform());
  ExpectRecord("records-Head", samples::Head());
  ExpectRecord("records-Key", samples::KeyOfAccess());
  ExpectRecord("records-Erasure", samples::Erasure());
}

TEST(GoldenRecords, AliasHistoriesAreWrittenAsTheirFileSays) {
  ExpectGolden("records-Aliases", Encode(samples::Aliases()));
}

Frame GoldenBatchFrame(Dtype dtype) {
  BatchWriter writer(3, 5, dtype);
  for (size_t i = 0; i < 15; ++i) writer.embeddings().data[i] = static_cast<float>(i) * 0.5f - 2;
  for (size_t i = 0; i < 3; ++i) {
    writer.samples()[i] = (uint64_t{1} << 40) + i;
    writer.labels()[i] = static_cast<int32_t>(i) - 1;
    writer.chains()[i] = static_cast<uint16_t>(i / 2);
  }
  return BatchFrame(writer.Finish(8, 9).value(), kRequestId);
}

TEST(GoldenBatch, IsWrittenAsItsFileSaysInEveryDtype) {
  ExpectGolden("BatchReply", WholeFrame(GoldenBatchFrame(Dtype::kF32)));
  ExpectGolden("BatchReply-f16", WholeFrame(GoldenBatchFrame(Dtype::kF16)));
  ExpectGolden("BatchReply-u8", WholeFrame(GoldenBatchFrame(Dtype::kU8)));
}

TEST(GoldenBatch, OfThePythonClientIsRead) {
  const auto frame = ReadFrame(ReadGolden("python", "BatchReply"));
  ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status().ToString();
  const Result<Batch> batch = BatchFromFrame(**frame);
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  ASSERT_EQ(batch->size(), 3u);
  EXPECT_EQ(batch->samples[2], (uint64_t{1} << 40) + 2);
  EXPECT_EQ(batch->labels[0], -1);
  EXPECT_EQ(batch->embeddings.row(2)[4], 5.0f);
}

TEST(GoldenError, IsWrittenAsItsFileSays) {
  ExpectGolden("ErrorReply",
               WholeFrame(ErrorFrame(NotFound("collection 'x' does not exist"), kRequestId)));
}

TEST(GoldenWeights, AreTheSameBytesFromBothSides) {
  Layers layers;
  layers.layers = {{{2, 3, Activation::kRelu, false}, {1, 2, 3, 4, 5, 6}, {0.5f, -0.5f, 0}},
                   {{3, 2, Activation::kNone, true}, {6, 5, 4, 3, 2, 1}, {-1, 1}}};
  ExpectGolden("weights", layers.ToSafetensors());
  EXPECT_TRUE(ReadGolden("python", "weights") == layers.ToSafetensors());
}

}  // namespace
}  // namespace augstore
