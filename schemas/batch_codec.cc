// Batches: the one message whose memory is written and read in place.
#include <algorithm>
#include <utility>

#include "schemas/codec.h"
#include "schemas/messages.h"
#include "schemas/wire_generated.h"

namespace augstore {
namespace {

namespace wire = fb::wire;
using codec::Builder;
using codec::Offset;
using codec::Reader;
using codec::VectorOf;

// What stands around the four vectors: padding, their lengths, the table. A generous bound.
constexpr size_t kOverheadBytes = 1024;

size_t BatchBytes(size_t rows, size_t dim) {
  return rows * (dim * sizeof(float) + sizeof(SampleId) + sizeof(int32_t) + sizeof(uint16_t)) +
         kOverheadBytes;
}

// The elements of a vector in place. Fails when they are misaligned: the verifier checks a vector's
// length only.
template <typename T>
std::span<const T> InPlace(Reader& in, const char* field, const VectorOf<T>* vector,
                           size_t alignment) {
  if (vector == nullptr || vector->size() == 0) return {};
  if (reinterpret_cast<uintptr_t>(vector->Data()) % alignment != 0) {
    in.Fail(field, fmt::format("does not stand at a multiple of {} bytes", alignment));
    return {};
  }
  return {reinterpret_cast<const T*>(vector->Data()), vector->size()};
}

}  // namespace

Status CheckBatchSize(size_t rows, size_t dim) {
  if (rows <= kMaxBatchRows && dim <= kMaxDim && BatchBytes(rows, dim) <= kMaxReplyBytes)
    return OkStatus();
  return InvalidArgument(
      "a batch of {} x {} is too large: the limits are {} rows, {} columns and {} bytes; ask for "
      "fewer rows",
      rows, dim, kMaxBatchRows, kMaxDim, kMaxReplyBytes);
}

// The vectors are laid out at once, in memory that is large enough for the finished frame: so
// pointers into them stay valid.
struct BatchWriter::State {
  State(size_t rows_in, size_t dim_in)
      : rows(rows_in), dim(dim_in), capacity(BatchBytes(rows_in, dim_in)), builder(capacity) {
    embeddings_at = builder.PutAlignedFloats(rows * dim, &embeddings);
    samples_at = builder.CreateUninitializedVector<uint64_t>(rows, &samples);
    labels_at = builder.CreateUninitializedVector<int32_t>(rows, &labels);
    chains_at = builder.CreateUninitializedVector<uint16_t>(rows, &chains);
  }

  size_t rows;
  size_t dim;
  size_t capacity;
  Builder builder;
  float* embeddings = nullptr;
  uint64_t* samples = nullptr;
  int32_t* labels = nullptr;
  uint16_t* chains = nullptr;
  Offset<VectorOf<float>> embeddings_at;
  Offset<VectorOf<uint64_t>> samples_at;
  Offset<VectorOf<int32_t>> labels_at;
  Offset<VectorOf<uint16_t>> chains_at;
};

BatchWriter::BatchWriter(size_t rows, size_t dim) {
  AUGSTORE_CHECK(CheckBatchSize(rows, dim).ok());
  state_ = std::make_unique<State>(rows, dim);
}
BatchWriter::~BatchWriter() = default;
BatchWriter::BatchWriter(BatchWriter&&) noexcept = default;
BatchWriter& BatchWriter::operator=(BatchWriter&&) noexcept = default;

MatrixView BatchWriter::embeddings() { return {state_->embeddings, state_->rows, state_->dim}; }
std::span<SampleId> BatchWriter::samples() { return {state_->samples, state_->rows}; }
std::span<int32_t> BatchWriter::labels() { return {state_->labels, state_->rows}; }
std::span<uint16_t> BatchWriter::chains() { return {state_->chains, state_->rows}; }

SharedBytes BatchWriter::Finish(uint64_t epoch, uint64_t step) {
  const std::unique_ptr<State> state = std::move(state_);
  AUGSTORE_CHECK(state != nullptr);  // Finish() is for once
  const auto root = wire::CreateBatchReply(
      state->builder, epoch, step, static_cast<uint32_t>(state->dim), state->samples_at,
      state->labels_at, state->chains_at, state->embeddings_at);
  SharedBytes body = state->builder.Seal(root);
  AUGSTORE_CHECK(body.bytes.size() <= state->capacity);  // else the spans were dangling
  return body;
}

Frame BatchFrame(SharedBytes body, uint32_t request_id) {
  return {MessageType::kBatchReply, request_id, std::move(body)};
}

Result<Batch> BatchFromFrame(const Frame& frame) {
  AUGSTORE_TRY(ExpectType(frame, MessageType::kBatchReply));
  Batch batch;
  batch.memory = codec::Aligned(frame.body, kAlignment);
  Reader in("BatchReply", batch.memory);
  const auto* t = in.Root<wire::BatchReply>();
  if (t == nullptr) return in.status();
  batch.epoch = t->epoch();
  batch.step = t->step();
  batch.samples = InPlace(in, "samples", t->samples(), alignof(SampleId));
  batch.labels = InPlace(in, "labels", t->labels(), alignof(int32_t));
  batch.chains = InPlace(in, "chains", t->chains(), alignof(uint16_t));
  const std::span<const float> embeddings = InPlace(in, "embeddings", t->embeddings(), kAlignment);
  const size_t rows = batch.samples.size();
  const size_t dim = t->dim();
  in.AtMost("samples", rows, kMaxBatchRows);
  in.AtMost("dim", dim, kMaxDim);
  if (rows > 0 && dim == 0) in.Fail("dim", "is 0: an embedding has at least one column");
  in.Equal("labels", batch.labels.size(), rows, "samples");
  in.Equal("chains", batch.chains.size(), rows, "samples");
  in.Equal("embeddings", embeddings.size(), rows * dim, "samples x dim");
  AUGSTORE_TRY(in.status());
  batch.embeddings = {embeddings.data(), rows, dim};
  return batch;
}

}  // namespace augstore
