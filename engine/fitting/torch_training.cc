#include "engine/fitting/torch_training.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "engine/math/compute_threads.h"
#include "engine/math/permutation.h"

namespace augstore {

TorchParameter::TorchParameter(std::span<const float> values, at::IntArrayRef shape)
    : value(at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat)
                .clone()
                .set_requires_grad(true)),
      first(values.size()),
      second(values.size()) {}

std::vector<float> ValuesOf(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  const auto* const values = static_cast<const float*>(dense.data_ptr());
  return {values, values + dense.numel()};
}

at::Tensor WrapMatrix(ConstMatrixView matrix) {
  return at::from_blob(const_cast<float*>(matrix.data),
                       {static_cast<int64_t>(matrix.rows), static_cast<int64_t>(matrix.cols)},
                       at::kFloat);
}

TorchDescent::TorchDescent(const Options& options, at::Tensor target,
                           std::vector<TorchParameter>* parameters)
    : options_(options), target_(std::move(target)), parameters_(parameters) {}

void TorchDescent::RunEpoch(uint32_t epoch, const Forward& forward) {
  const int64_t pairs = target_.size(0);
  const Permutation order(static_cast<uint64_t>(pairs), options_.seed, epoch);
  for (int64_t begin = 0; begin < pairs; begin += options_.batch_size) {
    const int64_t count = std::min<int64_t>(options_.batch_size, pairs - begin);
    const at::Tensor rows = at::empty({count}, at::kLong);
    order.Fill(static_cast<uint64_t>(begin),
               {rows.data_ptr<int64_t>(), static_cast<size_t>(count)});
    at::mse_loss(forward(rows), target_.index_select(0, rows)).backward();
    Step();
  }
}

// Moves the parameters along their gradients and clears those.
void TorchDescent::Step() {
  const auto pairs = static_cast<uint64_t>(target_.size(0));
  const uint64_t total =
      (pairs + options_.batch_size - 1) / options_.batch_size * options_.max_epochs;
  const double rate = ScheduledRate(options_.learning_rate, done_, total);
  const OptimizerStep step(options_.optimizer, rate, options_.weight_decay, ++done_);
  for (TorchParameter& parameter : *parameters_) {
    at::Tensor& gradient = parameter.value.mutable_grad();
    const at::Tensor dense = gradient.contiguous();
    UpdateParameters(step, {dense.data_ptr<float>(), static_cast<size_t>(dense.numel())},
                     parameter.value.data_ptr<float>(), parameter.first.data(),
                     parameter.second.data());
    gradient.reset();
  }
}

Result<FittedTransform> GuardTorch(std::string_view family,
                                   const std::function<Result<FittedTransform>()>& train) {
  // Torch's first operation in a thread resets the number of threads.
  const int threads = ComputeThreads();
  at::get_num_threads();
  SetComputeThreads(threads);
  try {
    return train();
  } catch (const std::exception& error) {
    return Internal("Torch failed while training '{}': {}", family, error.what());
  }
}

}  // namespace augstore
