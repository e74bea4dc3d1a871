#include "schemas/wire/batch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "schemas/base/block_memory.h"
#include "schemas/records/codec.h"
#include "schemas/wire/messages.h"
#include "schemas/wire_generated.h"

namespace augstore {
namespace {

namespace wire = fb::wire;
using codec::Builder;
using codec::Offset;
using codec::Reader;
using codec::VectorOf;

// Bytes around the four vectors: padding, their lengths, the table. A generous bound.
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
    in.Fail(field, fmt::format("is not at a multiple of {} bytes", alignment));
    return {};
  }
  return {reinterpret_cast<const T*>(vector->Data()), vector->size()};
}

}  // namespace

Status CheckBatchSize(size_t rows, size_t dim) {
  if (dim > kMaxDim)
    return InvalidArgument("a batch of {} columns is too wide: the limit is {}", dim, kMaxDim);
  const size_t row_bytes = BatchBytes(1, dim) - kOverheadBytes;
  const size_t most =
      std::min<size_t>(kMaxBatchRows, (kMaxReplyBytes - kOverheadBytes) / row_bytes);
  if (rows <= most) return OkStatus();
  return InvalidArgument(
      "a batch of {} embeddings of dimension {} is larger than a reply may be: ask for at most {}",
      rows, dim, most);
}

// The vectors are laid out at once, in memory that is large enough for the finished frame: so
// pointers into them stay valid. Embeddings in f32 are written where they are sent from; those of
// another dtype are in a block of their own until they are encoded.
struct BatchWriter::State {
  State(size_t rows_in, size_t dim_in, Dtype dtype_in)
      : rows(rows_in),
        dim(dim_in),
        dtype(dtype_in),
        capacity(rows * RowBytes(dtype, dim) + BatchBytes(rows, 0)),
        builder(capacity) {
    if (dtype == Dtype::kF32) {
      embeddings_at = builder.PutAlignedFloats(rows * dim, &embeddings);
    } else {
      encoded_at =
          builder.CreateUninitializedVector<uint8_t>(rows * RowBytes(dtype, dim), &encoded);
    }
    samples_at = builder.CreateUninitializedVector<uint64_t>(rows, &samples);
    labels_at = builder.CreateUninitializedVector<int32_t>(rows, &labels);
    chains_at = builder.CreateUninitializedVector<uint16_t>(rows, &chains);
  }

  MatrixView Embeddings() {
    if (embeddings == nullptr && rows > 0) {
      block.reset(reinterpret_cast<float*>(TakeBlock(rows * dim * sizeof(float))));
      embeddings = block.get();
    }
    return {embeddings, rows, dim};
  }

  // Errors: kInvalidArgument, naming the row that does not fit.
  Status EncodeRows() {
    const size_t bytes = RowBytes(dtype, dim);
    for (size_t i = 0; i < rows && embeddings != nullptr && encoded != nullptr; ++i) {
      if (!taken.empty() && taken[i]) continue;
      const std::span<const float> row(embeddings + i * dim, dim);
      if (!FitsDtype(dtype, row)) {
        return InvalidArgument(
            "the embedding of sample {} has values that {} cannot hold: stream it in {}",
            samples[i], DtypeName(dtype), WiderDtypes(dtype));
      }
      EncodeRow(dtype, row, {encoded + i * bytes, bytes});
    }
    return OkStatus();
  }

  size_t rows;
  size_t dim;
  Dtype dtype;
  size_t capacity;
  Builder builder;
  std::unique_ptr<float[], BlockFree> block;  // of embeddings that are to be encoded
  std::vector<bool> taken;                    // whose bytes the caller writes; empty: none
  float* embeddings = nullptr;
  uint8_t* encoded = nullptr;
  uint64_t* samples = nullptr;
  int32_t* labels = nullptr;
  uint16_t* chains = nullptr;
  Offset<VectorOf<float>> embeddings_at;
  Offset<VectorOf<uint8_t>> encoded_at;
  Offset<VectorOf<uint64_t>> samples_at;
  Offset<VectorOf<int32_t>> labels_at;
  Offset<VectorOf<uint16_t>> chains_at;
};

BatchWriter::BatchWriter(size_t rows, size_t dim, Dtype dtype) {
  AUGSTORE_CHECK(CheckBatchSize(rows, dim).ok());
  state_ = std::make_unique<State>(rows, dim, dtype);
}
BatchWriter::~BatchWriter() = default;
BatchWriter::BatchWriter(BatchWriter&&) noexcept = default;
BatchWriter& BatchWriter::operator=(BatchWriter&&) noexcept = default;

MatrixView BatchWriter::embeddings() { return state_->Embeddings(); }
std::span<SampleId> BatchWriter::samples() { return {state_->samples, state_->rows}; }
std::span<int32_t> BatchWriter::labels() { return {state_->labels, state_->rows}; }
std::span<uint16_t> BatchWriter::chains() { return {state_->chains, state_->rows}; }

std::span<uint8_t> BatchWriter::TakeRows(size_t begin, size_t count) {
  State& state = *state_;
  AUGSTORE_CHECK(state.encoded != nullptr && begin + count <= state.rows);
  state.taken.resize(state.rows);
  std::fill_n(state.taken.begin() + static_cast<std::ptrdiff_t>(begin), count, true);
  const size_t bytes = RowBytes(state.dtype, state.dim);
  return {state.encoded + begin * bytes, count * bytes};
}

Result<SharedBytes> BatchWriter::Finish(uint64_t epoch, uint64_t step) {
  const std::unique_ptr<State> state = std::move(state_);
  AUGSTORE_CHECK(state != nullptr);  // Finish() is for once
  AUGSTORE_TRY(state->EncodeRows());
  const auto root = wire::CreateBatchReply(state->builder, epoch, step,
                                           static_cast<uint32_t>(state->dim), state->samples_at,
                                           state->labels_at, state->chains_at, state->embeddings_at,
                                           static_cast<uint8_t>(state->dtype), state->encoded_at);
  SharedBytes body = state->builder.Seal(root);
  AUGSTORE_CHECK(body.bytes.size() <= state->capacity);  // else the spans were dangling
  return body;
}

Frame BatchFrame(SharedBytes body, uint32_t request_id) {
  return {MessageType::kBatchReply, request_id, std::move(body)};
}

namespace {

// Decodes the rows of a batch. REQUIRES: sizes that belong together.
void DecodeRows(std::span<const uint8_t> encoded, size_t rows, size_t dim, Batch* batch) {
  const std::shared_ptr<uint8_t[]> block = SharedBlock(rows * dim * sizeof(float));
  auto* const values = reinterpret_cast<float*>(block.get());
  const size_t bytes = RowBytes(batch->dtype, dim);
  for (size_t i = 0; i < rows; ++i) {
    DecodeRow(batch->dtype, encoded.subspan(i * bytes, bytes), {values + i * dim, dim});
  }
  batch->embeddings = {values, rows, dim};
  batch->decoded = block;
}

}  // namespace

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
  in.Enum("dtype", t->dtype(), &batch.dtype);
  const bool plain = batch.dtype == Dtype::kF32;
  const std::span<const uint8_t> encoded = InPlace(in, "rows", t->rows(), alignof(uint8_t));
  in.Equal("embeddings", embeddings.size(), plain ? rows * dim : 0, "samples x dim, if f32");
  in.Equal("rows", encoded.size(), plain ? 0 : rows * RowBytes(batch.dtype, dim),
           "samples x bytes of a row, if not f32");
  AUGSTORE_TRY(in.status());
  if (plain) {
    batch.embeddings = {embeddings.data(), rows, dim};
  } else {
    AUGSTORE_TRY(
        CheckBatchSize(rows, dim));  // decoded rows have up to four times the bytes of the frame
    DecodeRows(encoded, rows, dim, &batch);
  }
  return batch;
}

}  // namespace augstore
