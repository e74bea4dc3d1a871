// TorchScript files as functions from images: loading, running, and rewriting them to be faster.
// For torch_*.cc alone: includes Torch.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_MODULE_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_MODULE_H_

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <string>

#include "schemas/base/status.h"
#include "schemas/records/records.h"

namespace augstore {

// Torch's reason in one line, without its stack traces.
std::string TorchReason(const std::exception& error);

// In evaluation mode, on the CPU. `metadata` (may be null) gets the file's "augstore.json", empty
// when it has none. Errors: kInvalidArgument, with Torch's reason.
Result<torch::jit::Module> LoadModule(const std::string& path, std::string* metadata);

struct BackboneOutput {
  at::Tensor z;  // n x d, contiguous float32
  at::Tensor
      feature_map;  // n x height x width x channels, contiguous float32; undefined: there is none
};
// Throws what Torch throws, and std::runtime_error when the output is no embedding.
BackboneOutput Forward(torch::jit::Module& module, const at::Tensor& batch);

// How a batch of n x 3 x h x w is in memory.
struct BatchShape {
  int64_t count = 0;
  uint32_t height = 0;
  uint32_t width = 0;
  bool channels_last = true;  // like the pixels of Image; else plane by plane
};
// Black images.
at::Tensor EmptyBatch(const BatchShape& shape);
// Values in [0, 1] that differ from pixel to pixel and image to image. Fewer images are the first
// ones of more.
at::Tensor PatternBatch(const BatchShape& shape);

// The module of a file in `form`. Throws what Torch throws. Errors: those of LoadModule.
Result<torch::jit::Module> LoadForm(const std::string& path, BackboneForm form);

// Whether outputs are equal up to rounding.
bool CloseTo(const BackboneOutput& output, const BackboneOutput& expected);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_MODULE_H_
