// What the families that Torch trains share: parameters, steps along their gradients, epochs.
#ifndef AUGSTORE_ENGINE_FITTING_TORCH_TRAINING_H_
#define AUGSTORE_ENGINE_FITTING_TORCH_TRAINING_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/fitting/pairs.h"
#include "engine/math/optimizer.h"
#include "schemas/base/types.h"

namespace augstore {

// One tensor that is trained, with its moments.
struct TorchParameter {
  // A copy of `values`, which fill `shape`.
  TorchParameter(std::span<const float> values, at::IntArrayRef shape);
  at::Tensor value;
  std::vector<float> first;
  std::vector<float> second;
};

std::vector<float> ValuesOf(const at::Tensor& tensor);

// A tensor on the caller's memory.
at::Tensor WrapMatrix(ConstMatrixView matrix);

// Stochastic gradient descent on the mean squared error. The same arguments lead to the same
// weights for one number of compute threads.
class TorchDescent {
 public:
  struct Options {
    OptimizerKind optimizer = OptimizerKind::kAdamW;
    double learning_rate = 0;
    double weight_decay = 0;
    uint64_t seed = 0;  // of the order of pairs
    uint32_t batch_size = 0;
    uint32_t max_epochs = 0;  // by which the learning rate is down at 0
  };
  // Returns the outputs for the pairs with these indices.
  using Forward = std::function<at::Tensor(const at::Tensor& rows)>;

  // `target`: of all pairs. `parameters` must outlive it.
  TorchDescent(const Options& options, at::Tensor target, std::vector<TorchParameter>* parameters);

  // Epochs count from 1.
  void RunEpoch(uint32_t epoch, const Forward& forward);

 private:
  void Step();

  const Options options_;
  const at::Tensor target_;
  std::vector<TorchParameter>* parameters_;
  uint64_t done_ = 0;  // steps
};

// Runs `train` with the calling thread's number of compute threads, and turns what Torch throws
// into kInternal, naming the family.
Result<FittedTransform> GuardTorch(std::string_view family,
                                   const std::function<Result<FittedTransform>()>& train);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_TORCH_TRAINING_H_
