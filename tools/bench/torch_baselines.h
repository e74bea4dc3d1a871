// The baselines of the engine and of Backbone: LibTorch as its manual shows it. For measurements.
// No Torch type here.
#ifndef AUGSTORE_TOOLS_BENCH_TORCH_BASELINES_H_
#define AUGSTORE_TOOLS_BENCH_TORCH_BASELINES_H_

#include <memory>
#include <span>
#include <string>

#include "engine/images/image.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Run computes the network's output for the rows given at construction, on `threads` threads; 0:
// Torch's default. Thread safety: one thread at a time.
class TorchBaseline {
 public:
  virtual ~TorchBaseline() = default;
  virtual Status Run(int threads) = 0;
  // Of the last Run.
  virtual Matrix Output() const = 0;
};

// torch::nn::Sequential of Linear and ReLU, run eagerly; with `frozen`, the same as a frozen
// TorchScript module. Errors: kInternal (Torch's reason), kInvalidArgument (layers that are
// residual or diagonal).
Result<std::unique_ptr<TorchBaseline>> TorchNetwork(const Layers& layers, ConstMatrixView in,
                                                    bool frozen);

// The backbone's TorchScript file as torch::jit::load returns it, run on batches of `batch` images.
// The images are made into tensors (values in [0, 1], n x 3 x h x w) here and not in Run, and must
// all have the input size. Errors: kInvalidArgument (the file; no images), kInternal.
Result<std::unique_ptr<TorchBaseline>> TorchPlainBackbone(const std::string& path,
                                                          std::span<const Image> images,
                                                          uint32_t batch);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_TORCH_BASELINES_H_
