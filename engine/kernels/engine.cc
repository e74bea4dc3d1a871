#include "engine/kernels/engine.h"

#include <atomic>

namespace augstore {
namespace {

uint64_t NextNetworkId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
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

}  // namespace augstore
