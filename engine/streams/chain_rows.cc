#include "engine/streams/chain_rows.h"

#include <algorithm>

#include "storage/store/segment.h"

namespace augstore {
namespace {

// Some 50 ms of one core.
constexpr uint64_t kBlockMultiplyAdds = uint64_t{1} << 31;
constexpr uint64_t kBlockFeatureMapValues = uint64_t{1} << 24;
// Kernels compute so many rows together.
constexpr uint64_t kPanelRows = 128;
constexpr uint64_t kMostBlockRows = 8192;
// Where a number of the output takes so many multiply-adds, looking at it takes less than a
// hundredth of that. Where it takes fewer, one row in kLookStride is looked at.
constexpr uint64_t kLookAtAllMultiplyAdds = 2048;
constexpr size_t kLookStride = 16;

uint64_t MultiplyAddsOf(const TransformStep& step) {
  uint64_t sum = step.model->front == nullptr ? 0 : step.model->front->multiply_adds();
  for (const OpLayer& layer : step.op_layers) sum += layer.network->layers.MultiplyAdds();
  const bool uses_network = step.op_layers.size() != 1 && step.model->network != nullptr;
  return uses_network ? sum + step.model->network->layers.MultiplyAdds() : sum;
}

// Kept by each worker from block to block.
struct Scratch {
  Matrix rows;
  Matrix feature_maps;
  ChainScratch chain;
};

Result<ChainInput> ReadInput(Store& store, std::span<const TransformStep> chain,
                             const ChainRows& rows, const Cancellation& cancellation, size_t cols,
                             Scratch* scratch) {
  const MatrixView z = Reserve(&scratch->rows, rows.rows.size(), cols);
  AUGSTORE_TRY(store.ReadRows(rows.space, rows.rows, z, cancellation));
  if (!ReadsFeatureMap(chain)) return ChainInput{z};
  const uint64_t values = chain.front().model->front->feature_map().values();
  const MatrixView feature_maps = Reserve(&scratch->feature_maps, rows.rows.size(), values);
  AUGSTORE_TRY(store.ReadFeatureMaps(rows.space, rows.rows, feature_maps, cancellation));
  return ChainInput{z, feature_maps};
}

uint64_t MultiplyAddsOf(std::span<const TransformStep> chain) {
  uint64_t sum = 0;
  for (const TransformStep& step : chain) sum += MultiplyAddsOf(step);
  return sum;
}

// Stored embeddings are finite, but weights may be too large for them.
Status CheckFinite(std::span<const TransformStep> chain, const RowKeys& keys, ConstMatrixView out) {
  const bool all = MultiplyAddsOf(chain) >= kLookAtAllMultiplyAdds * out.cols;
  for (size_t i = 0; i < out.rows; i += all ? 1 : kLookStride) {
    if (AllFinite(out.row(i))) continue;
    return FailedPrecondition(
        "it makes a NaN or an infinity of sample {}, as its weights are too large for the "
        "embedding: use another version of its transforms, or train them again",
        keys.samples[i]);
  }
  return OkStatus();
}

Status MakeBlock(Store& store, Engine& engine, std::span<const TransformStep> chain,
                 const ChainRows& rows, const Cancellation& cancellation, MatrixView out,
                 BatchTimes* times) {
  thread_local Scratch scratch;
  ChainInput in;
  {
    const BatchTimes::Lap lap(times, &BatchTimes::store);
    AUGSTORE_ASSIGN(in, ReadInput(store, chain, rows, cancellation, out.cols, &scratch));
  }
  const BatchTimes::Lap lap(times, &BatchTimes::transform);
  AUGSTORE_TRY(ApplyChain(engine, chain, rows.keys, in, out, &scratch.chain));
  return CheckFinite(chain, rows.keys, out);
}

}  // namespace

size_t ChainBlockRows(std::span<const TransformStep> chain) {
  const uint64_t multiply_adds = MultiplyAddsOf(chain);
  uint64_t rows =
      std::min(kMostBlockRows, kBlockMultiplyAdds / std::max<uint64_t>(1, multiply_adds));
  if (ReadsFeatureMap(chain)) {
    rows =
        std::min(rows, kBlockFeatureMapValues / chain.front().model->front->feature_map().values());
  }
  if (rows > kPanelRows) rows -= rows % kPanelRows;
  return std::max<uint64_t>(1, rows);
}

Status ReadThroughChain(Store& store, Engine& engine, std::span<const TransformStep> chain,
                        const ChainRows& rows, const Cancellation& cancellation, MatrixView out,
                        BatchTimes* times) {
  AUGSTORE_CHECK(rows.rows.size() == out.rows && rows.keys.samples.size() == out.rows);
  const size_t most = ChainBlockRows(chain);
  for (size_t begin = 0; begin < out.rows; begin += most) {
    AUGSTORE_TRY(cancellation.Check());
    const size_t count = std::min(most, out.rows - begin);
    const MatrixView part = out.Slice(begin, count);
    const std::span<const RowId> ids = rows.rows.subspan(begin, count);
    if (chain.empty()) {
      const BatchTimes::Lap lap(times, &BatchTimes::store);
      AUGSTORE_TRY(store.ReadRows(rows.space, ids, part, cancellation));
      continue;
    }
    const RowKeys keys{rows.keys.seed, rows.keys.epoch, rows.keys.samples.subspan(begin, count)};
    AUGSTORE_TRY(
        MakeBlock(store, engine, chain, {rows.space, ids, keys}, cancellation, part, times));
    if (times == nullptr) continue;
    ++times->launches;
    times->launch_rows += count;
  }
  return OkStatus();
}

}  // namespace augstore
