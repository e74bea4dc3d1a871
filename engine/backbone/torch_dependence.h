// What the embedding of an image depends on besides the image. For torch_*.cc alone: includes
// Torch.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_DEPENDENCE_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_DEPENDENCE_H_

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include "schemas/base/status.h"

namespace augstore {

// By how much a value of Φ's outputs changes at most, in standard deviations of all values of that
// output for the batch, its spread; 0: no bit changes.
struct Dependence {
  double on_run = 0;         // when the same batch is run again; only looked for after the next
  double on_companions = 0;  // when an image stays in its slot of the batch and others change
  double on_slot = 0;        // when the image is in another slot
};

// A product of matrices adds in another order at another slot, so where Φ ends in one, an embedding
// has other last bits there: 1e-6 of the spread in the networks that were tried. What a Φ makes of
// a slot on purpose, or with fewer bits than f32 has, is more. The bound is a fifth of what f16,
// the finest rounding that a store offers, changes in a value of the size of the spread.
inline constexpr double kMaxSlotDifference = 1e-4;

// Runs Φ three times on arrangements of `batch`, whose images must differ; once more where bits
// change that may not. One image has no companions. Throws what Torch throws.
Dependence MeasureDependence(torch::jit::Module& module, const at::Tensor& batch);

// Errors: kInvalidArgument (an embedding depends on the run or on its companions, or by more than
// kMaxSlotDifference on its slot), with the difference.
Status CheckDependence(const Dependence& dependence);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_DEPENDENCE_H_
