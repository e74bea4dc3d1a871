#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "schemas/base/limits.h"
#include "schemas/wire/messages.h"

namespace augstore {
namespace {

SharedBytes MakeBody(size_t rows, size_t dim, uint64_t epoch = 3, uint64_t step = 4) {
  BatchWriter writer(rows, dim);
  for (size_t i = 0; i < rows; ++i) {
    writer.samples()[i] = 1000 + i;
    writer.labels()[i] = static_cast<int32_t>(i) - 1;
    writer.chains()[i] = static_cast<uint16_t>(i / 2);
  }
  const MatrixView out = writer.embeddings();
  for (size_t i = 0; i < rows * dim; ++i) out.data[i] = static_cast<float>(i) * 0.5f;
  return writer.Finish(epoch, step).value();
}

void ExpectBatch(const Batch& batch, size_t rows, size_t dim) {
  ASSERT_EQ(batch.size(), rows);
  ASSERT_EQ(batch.labels.size(), rows);
  ASSERT_EQ(batch.chains.size(), rows);
  ASSERT_EQ(batch.embeddings.rows, rows);
  ASSERT_EQ(batch.embeddings.cols, dim);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(batch.embeddings.data) % kAlignment, 0u);
  for (size_t i = 0; i < rows; ++i) {
    EXPECT_EQ(batch.samples[i], 1000 + i);
    EXPECT_EQ(batch.labels[i], static_cast<int32_t>(i) - 1);
    EXPECT_EQ(batch.chains[i], i / 2);
  }
  for (size_t i = 0; i < rows * dim; ++i)
    EXPECT_EQ(batch.embeddings.data[i], static_cast<float>(i) * 0.5f);
}

// Through a FrameReader, in pieces, as from a socket.
Frame OverTheWire(const Frame& sent) {
  const auto header = SealHeader(sent);
  std::string wire(header.begin(), header.end());
  wire += sent.body.text();
  FrameReader reader(kMaxReplyBytes);
  std::string_view rest = wire;
  while (true) {
    const std::span<uint8_t> space = reader.Prepare();
    const size_t n = std::min({space.size(), rest.size(), size_t{100}});
    std::copy_n(rest.begin(), n, space.begin());
    reader.Commit(n);
    rest.remove_prefix(n);
    Result<std::optional<Frame>> next = reader.Next();
    EXPECT_TRUE(next.ok()) << next.status().ToString();
    if (!next.ok() || next->has_value() || n == 0)
      return next.ok() && next->has_value() ? **next : Frame{};
  }
}

TEST(BatchWriter, MakesAFrameThatComesBackInPlace) {
  const Frame frame = BatchFrame(MakeBody(7, 5), 12);
  EXPECT_EQ(frame.request_id, 12u);
  const Result<Batch> batch = BatchFromFrame(frame);
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  ExpectBatch(*batch, 7, 5);
  EXPECT_EQ(batch->epoch, 3u);
  EXPECT_EQ(batch->step, 4u);
  const auto* begin = reinterpret_cast<const uint8_t*>(batch->embeddings.data);
  EXPECT_GE(begin, frame.body.bytes.data());
  EXPECT_LT(begin, frame.body.bytes.data() + frame.body.bytes.size());
}

TEST(BatchWriter, AlignsEmbeddingsOfEveryShape) {
  for (const size_t rows : {1, 2, 3, 16, 255, 256, 257}) {
    for (const size_t dim : {1, 3, 8, 16, 31, 512}) {
      BatchWriter writer(rows, dim);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(writer.embeddings().data) % kAlignment, 0u);
      const Frame frame = BatchFrame(MakeBody(rows, dim), 1);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.body.bytes.data()) % kAlignment, 0u);
      const Result<Batch> direct = BatchFromFrame(frame);
      ASSERT_TRUE(direct.ok()) << direct.status().ToString();
      ExpectBatch(*direct, rows, dim);
      EXPECT_EQ(
          (reinterpret_cast<const uint8_t*>(direct->embeddings.data) - frame.body.bytes.data()) %
              kAlignment,
          0u);
      const Result<Batch> received = BatchFromFrame(OverTheWire(frame));
      ASSERT_TRUE(received.ok()) << received.status().ToString();
      ExpectBatch(*received, rows, dim);
    }
  }
}

TEST(BatchWriter, KeepsItsSpansUntilFinished) {
  BatchWriter writer(100, 64);
  const float* embeddings = writer.embeddings().data;
  const SampleId* samples = writer.samples().data();
  BatchWriter moved = std::move(writer);
  EXPECT_EQ(moved.embeddings().data, embeddings);
  EXPECT_EQ(moved.samples().data(), samples);
  std::fill_n(moved.embeddings().data, 6400, 1.5f);
  std::ranges::fill(moved.samples(), 9);
  std::ranges::fill(moved.labels(), 1);
  std::ranges::fill(moved.chains(), 2);
  const Result<Batch> batch = BatchFromFrame(BatchFrame(moved.Finish(0, 0).value(), 1));
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  EXPECT_EQ(batch->embeddings.data, embeddings);  // no copy
  EXPECT_EQ(batch->samples.data(), samples);
}

TEST(BatchWriter, MakesABatchWithoutRows) {
  const Result<Batch> batch = BatchFromFrame(OverTheWire(BatchFrame(MakeBody(0, 32), 1)));
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();
  EXPECT_EQ(batch->size(), 0u);
  EXPECT_EQ(batch->embeddings.cols, 32u);
}

TEST(BatchWriter, GivesEqualBytesForEqualBatches) {
  EXPECT_EQ(MakeBody(33, 7).text(), MakeBody(33, 7).text());
  EXPECT_NE(MakeBody(33, 7, 0, 0).text(), MakeBody(33, 7, 0, 1).text());
}

// Rows whose values a dtype changes.
Frame RoundedFrame(Dtype dtype, const Matrix& rows) {
  BatchWriter writer(rows.rows(), rows.cols(), dtype);
  std::copy_n(rows.data(), rows.rows() * rows.cols(), writer.embeddings().data);
  std::ranges::fill(writer.samples(), 7);
  std::ranges::fill(writer.labels(), 1);
  std::ranges::fill(writer.chains(), uint16_t{0});
  return BatchFrame(writer.Finish(1, 2).value(), 3);
}

TEST(BatchWriter, SendsRowsInADtypeAndGivesWhatTheyStandFor) {
  for (const Dtype dtype : {Dtype::kF16, Dtype::kU8}) {
    for (const size_t dim : {1, 5, 512}) {
      Matrix rows(9, dim);
      for (size_t i = 0; i < 9 * dim; ++i) rows.data()[i] = std::sin(static_cast<float>(i)) * 3;
      const Frame frame = RoundedFrame(dtype, rows);
      EXPECT_LE(frame.body.bytes.size(), 9 * RowBytes(dtype, dim) + 1024);
      const Result<Batch> batch = BatchFromFrame(OverTheWire(frame));
      ASSERT_TRUE(batch.ok()) << batch.status().ToString();
      EXPECT_EQ(batch->dtype, dtype);
      EXPECT_EQ(batch->labels[8], 1);
      for (size_t i = 0; i < 9; ++i) {
        RoundRow(dtype, rows.row(i));
        EXPECT_TRUE(std::ranges::equal(batch->embeddings.row(i), rows.row(i)));
      }
    }
  }
}

TEST(BatchWriter, LeavesRowsAsTheyAreThatCameInTheDtype) {
  constexpr size_t kDim = 5;
  for (const bool all : {true, false}) {
    BatchWriter writer(3, kDim, Dtype::kU8);
    const std::vector<float> values = {-1, 0, 0.3F, 2, 100};
    for (const size_t i : {0, 2}) EncodeRow(Dtype::kU8, values, writer.TakeRows(i, 1));
    if (all) {
      EncodeRow(Dtype::kU8, values, writer.TakeRows(1, 1));
    } else {
      std::ranges::copy(values, writer.embeddings().row(1).begin());
    }
    std::ranges::fill(writer.samples(), 7);
    std::ranges::fill(writer.labels(), 1);
    std::ranges::fill(writer.chains(), uint16_t{0});
    std::vector<float> expected = values;
    RoundRow(Dtype::kU8, expected);
    const Result<Batch> batch = BatchFromFrame(BatchFrame(writer.Finish(1, 2).value(), 3));
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(std::ranges::equal(batch->embeddings.row(i), expected)) << i << all;
    }
  }
}

TEST(BatchWriter, RefusesValuesThatItsDtypeCannotHoldNamingTheSample) {
  BatchWriter writer(2, 3, Dtype::kF16);
  std::fill_n(writer.embeddings().data, 6, 1.0F);
  std::ranges::fill(writer.labels(), 0);
  std::ranges::fill(writer.chains(), uint16_t{0});
  writer.samples()[0] = 41;
  writer.samples()[1] = 42;
  writer.embeddings().row(1)[2] = -70000;
  const Status status = writer.Finish(0, 0).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("sample 42"), std::string::npos) << status.message();
}

TEST(BatchFromFrame, RefusesRowsThatDoNotFitTheirDtype) {
  Matrix rows(4, 6);
  std::fill_n(rows.data(), 24, 2.0F);
  const Frame sent = RoundedFrame(Dtype::kU8, rows);
  // Each byte of the small table in front of the vectors: none may be believed.
  for (size_t at = 0; at < std::min<size_t>(sent.body.bytes.size(), 200); ++at) {
    for (const uint8_t flip : {1, 2, 3, 0x40, 0xff}) {
      std::string bytes(sent.body.text());
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const Result<Batch> batch =
          BatchFromFrame(BatchFrame(SharedBytes::FromString(std::move(bytes)), 1));
      if (!batch.ok()) continue;
      EXPECT_EQ(batch->embeddings.rows, batch->samples.size());
    }
  }
}

TEST(BatchFromFrame, KeepsTheMemoryOfTheFrame) {
  Batch batch;
  {
    const Frame frame = BatchFrame(MakeBody(4, 4), 1);
    batch = *BatchFromFrame(frame);
  }
  ExpectBatch(batch, 4, 4);
}

TEST(BatchFromFrame, AlignsABodyThatIsNot) {
  const std::string text(MakeBody(9, 6).text());
  for (size_t shift = 1; shift < kAlignment; shift += 7) {
    SharedBytes body = SharedBytes::FromString(std::string(shift, 'x') + text);
    body.bytes = body.bytes.subspan(shift);
    const Result<Batch> batch = BatchFromFrame(BatchFrame(body, 1));
    ASSERT_TRUE(batch.ok()) << batch.status().ToString();
    ExpectBatch(*batch, 9, 6);
  }
}

TEST(BatchFromFrame, GivesTheStatusOfAnErrorFrame) {
  const Result<Batch> batch = BatchFromFrame(ErrorFrame(Unavailable("the server stops"), 1));
  EXPECT_EQ(batch.status().ToString(), "Unavailable: the server stops");
  EXPECT_EQ(BatchFromFrame(ToFrame(EndReply{})).status().code(), Code::kInvalidArgument);
}

// Whatever decodes must be readable to its last element.
void TouchAll(const Batch& batch) {
  ASSERT_EQ(batch.labels.size(), batch.size());
  ASSERT_EQ(batch.chains.size(), batch.size());
  ASSERT_EQ(batch.embeddings.rows, batch.size());
  ASSERT_EQ(reinterpret_cast<uintptr_t>(batch.embeddings.data) % kAlignment, 0u);
  double sum = 0;
  for (size_t i = 0; i < batch.size(); ++i)
    sum += batch.labels[i] + batch.chains[i] + (batch.samples[i] & 1);
  for (size_t i = 0; i < batch.embeddings.rows * batch.embeddings.cols; ++i)
    sum += batch.embeddings.data[i] > 0;
  EXPECT_GE(sum, -1e12);
}

TEST(BatchFromFrame, SurvivesTruncationAnywhere) {
  const std::string text(MakeBody(5, 3).text());
  for (size_t size = 0; size < text.size(); ++size) {
    const Result<Batch> batch =
        BatchFromFrame(BatchFrame(SharedBytes::FromString(text.substr(0, size)), 1));
    if (batch.ok()) {
      TouchAll(*batch);
    } else {
      EXPECT_EQ(batch.status().code(), Code::kInvalidArgument) << batch.status().ToString();
    }
  }
}

TEST(BatchFromFrame, SurvivesFlippedBytes) {
  std::mt19937 random(11);
  const std::string text(MakeBody(5, 3).text());
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = text;
    for (uint32_t i = 0; i <= random() % 3; ++i)
      damaged[random() % text.size()] = static_cast<char>(random());
    const Result<Batch> batch =
        BatchFromFrame(BatchFrame(SharedBytes::FromString(std::move(damaged)), 1));
    if (batch.ok()) {
      TouchAll(*batch);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST(CheckBatchSize, KeepsTheLimits) {
  EXPECT_TRUE(CheckBatchSize(0, 0).ok());
  EXPECT_TRUE(CheckBatchSize(kMaxBatchRows, 512).ok());
  EXPECT_EQ(CheckBatchSize(kMaxBatchRows + 1, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(CheckBatchSize(1, kMaxDim + 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(CheckBatchSize(kMaxBatchRows, kMaxDim).code(), Code::kInvalidArgument);
  EXPECT_EQ(CheckBatchSize(~size_t{0}, ~size_t{0}).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
