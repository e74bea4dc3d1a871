#include "engine/streams/chain_rows.h"

#include <algorithm>

namespace augstore {
namespace {

// Some 50 ms of one core.
constexpr uint64_t kBlockMultiplyAdds = uint64_t{1} << 31;
constexpr uint64_t kBlockFeatureMapValues = uint64_t{1} << 24;
// Kernels compute so many rows together.
constexpr uint64_t kPanelRows = 128;
constexpr uint64_t kMostBlockRows = 8192;

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

Status ReadBlock(Store& store, Engine& engine, std::span<const TransformStep> chain,
                 const ChainRows& rows, const Cancellation& cancellation, MatrixView out) {
  thread_local Scratch scratch;
  const MatrixView in = Reserve(&scratch.rows, out.rows, out.cols);
  AUGSTORE_TRY(store.ReadRows(rows.space, rows.rows, in, cancellation));
  MatrixView feature_maps;
  if (ReadsFeatureMap(chain)) {
    const uint64_t values = chain.front().model->front->feature_map().values();
    feature_maps = Reserve(&scratch.feature_maps, out.rows, values);
    AUGSTORE_TRY(store.ReadFeatureMaps(rows.space, rows.rows, feature_maps, cancellation));
  }
  return ApplyChain(engine, chain, rows.keys, {in, feature_maps}, out, &scratch.chain);
}

}  // namespace

size_t ChainBlockRows(std::span<const TransformStep> chain) {
  uint64_t multiply_adds = 0;
  for (const TransformStep& step : chain) multiply_adds += MultiplyAddsOf(step);
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
                        const ChainRows& rows, const Cancellation& cancellation, MatrixView out) {
  AUGSTORE_CHECK(rows.rows.size() == out.rows && rows.keys.samples.size() == out.rows);
  const size_t most = ChainBlockRows(chain);
  for (size_t begin = 0; begin < out.rows; begin += most) {
    AUGSTORE_TRY(cancellation.Check());
    const size_t count = std::min(most, out.rows - begin);
    const MatrixView part = out.Slice(begin, count);
    const std::span<const RowId> ids = rows.rows.subspan(begin, count);
    if (chain.empty()) {
      AUGSTORE_TRY(store.ReadRows(rows.space, ids, part, cancellation));
      continue;
    }
    const RowKeys keys{rows.keys.seed, rows.keys.epoch, rows.keys.samples.subspan(begin, count)};
    AUGSTORE_TRY(ReadBlock(store, engine, chain, {rows.space, ids, keys}, cancellation, part));
  }
  return OkStatus();
}

}  // namespace augstore
