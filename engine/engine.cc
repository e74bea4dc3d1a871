#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace augstore {
namespace {

uint64_t NextNetworkId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

Status CopyRows(ConstMatrixView in, MatrixView out) {
  if (in.rows != out.rows || in.cols != out.cols) {
    return InvalidArgument(
        "an empty chain copies: a {} x {} input needs an output of that size, not {} x {}", in.rows,
        in.cols, out.rows, out.cols);
  }
  if (in.rows > 0 && in.cols > 0) std::memcpy(out.data, in.data, in.rows * in.cols * sizeof(float));
  return OkStatus();
}

}  // namespace

Network::Network(Layers checked_layers) : layers(std::move(checked_layers)), id(NextNetworkId()) {}

Result<NetworkPtr> MakeNetwork(Layers layers) {
  AUGSTORE_TRY(layers.Validate());
  return NetworkPtr(std::make_shared<const Network>(std::move(layers)));
}

Status CheckShapes(const Layers& layers, ConstMatrixView in, ConstMatrixView out) {
  if (in.rows != out.rows) {
    return InvalidArgument("an input of {} rows needs an output of as many, not {}", in.rows,
                           out.rows);
  }
  if (in.cols != layers.dim_in() || out.cols != layers.dim_out()) {
    return InvalidArgument(
        "a network from {} to {} columns was given {} columns to read and {} to write: use "
        "embeddings of the backbone "
        "that it was made for",
        layers.dim_in(), layers.dim_out(), in.cols, out.cols);
  }
  return OkStatus();
}

Status ApplyChain(Engine& engine, std::span<const NetworkPtr> chain, ConstMatrixView in,
                  MatrixView out, Matrix* scratch) {
  if (chain.empty()) return CopyRows(in, out);
  size_t width = 0;
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    width = std::max<size_t>(width, chain[i]->layers.dim_out());
  }
  // Two halves: one is read while the other is written.
  const size_t half = in.rows * width;
  if (scratch->rows() * scratch->cols() < 2 * half) *scratch = Matrix(2 * in.rows, width);
  ConstMatrixView source = in;
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    const MatrixView target{scratch->data() + (i % 2) * half, in.rows, chain[i]->layers.dim_out()};
    AUGSTORE_TRY(engine.Apply(chain[i], source, target));
    source = target;
  }
  return engine.Apply(chain.back(), source, out);
}

}  // namespace augstore
