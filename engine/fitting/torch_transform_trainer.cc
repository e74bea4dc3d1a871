#include "engine/fitting/torch_transform_trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "engine/fitting/torch_linear.h"
#include "engine/math/compute_threads.h"
#include "engine/math/linear_init.h"
#include "engine/math/optimizer.h"
#include "engine/math/permutation.h"

namespace augstore {
namespace {

struct Hyperparameters {
  OptimizerKind optimizer;
  double learning_rate;
  double weight_decay;
};

// The defaults were chosen on vertical flips of 9,000 small images: among rates from 0.1 to 4 and
// decays from 0 to 1e-3 for "paper_mlp", rates from 3e-4 to 3e-3 and decays from 0.01 to 10 for
// "residual". Strong decay pays there, since few pairs determine many weights; a higher rate gains
// a little but often stops too early.
Hyperparameters Choose(const TransformTrainOptions& options) {
  Hyperparameters chosen{OptimizerKind::kSgd, 1, 1e-4};
  if (options.family == "residual") chosen = {OptimizerKind::kAdamW, 5e-4, 4};
  if (options.learning_rate > 0) chosen.learning_rate = options.learning_rate;
  if (options.weight_decay >= 0) chosen.weight_decay = options.weight_decay;
  return chosen;
}

// A tensor on the caller's memory.
at::Tensor Wrap(ConstMatrixView z) {
  const auto rows = static_cast<int64_t>(z.rows);
  const auto cols = static_cast<int64_t>(z.cols);
  return at::from_blob(const_cast<float*>(z.data), {rows, cols}, at::kFloat);
}

// Training runs on (z - mean) / scale, whose root mean square is 1: one learning rate then suits
// every backbone.
struct Units {
  explicit Units(const at::Tensor& z) : mean(z.mean(0)) {
    const double root = (z - mean).to(at::kDouble).square_().mean().sqrt_().item<double>();
    if (root > 0) scale = root;
  }
  at::Tensor From(const at::Tensor& z) const { return (z - mean).mul_(1 / scale); }
  at::Tensor To(const at::Tensor& x) const { return (x * scale).add_(mean); }

  at::Tensor mean;
  double scale = 1;
};

Layer ToLayer(const at::Tensor& weight, const at::Tensor& bias, bool relu) {
  Layer layer;
  layer.shape.in = static_cast<uint32_t>(weight.size(1));
  layer.shape.out = static_cast<uint32_t>(weight.size(0));
  layer.shape.activation = relu ? Activation::kRelu : Activation::kNone;
  layer.weight.assign(weight.data_ptr<float>(), weight.data_ptr<float>() + weight.numel());
  layer.bias.assign(bias.data_ptr<float>(), bias.data_ptr<float>() + bias.numel());
  return layer;
}

// One tensor that is trained, with its moments.
struct Parameter {
  at::Tensor value;
  std::vector<float> first;
  std::vector<float> second;
};

// d -> 2d -> d with ReLU between; plus its input when residual.
class Network {
 public:
  Network(int64_t dim, bool residual, uint64_t seed) : residual_(residual) {
    AddLayer(dim, 2 * dim, seed, true);
    AddLayer(2 * dim, dim, seed, !residual);  // from zero, "residual" starts as the identity
  }

  at::Tensor Forward(const at::Tensor& x) const {
    const at::Tensor hidden = at::relu(TorchLinear(x, parameters_[0].value, parameters_[1].value));
    const at::Tensor out = TorchLinear(hidden, parameters_[2].value, parameters_[3].value);
    return residual_ ? out + x : out;
  }

  // Moves the parameters along their gradients and clears those.
  void Update(const OptimizerStep& step) {
    for (Parameter& parameter : parameters_) {
      at::Tensor& gradient = parameter.value.mutable_grad();
      const at::Tensor dense = gradient.contiguous();
      const auto size = static_cast<size_t>(dense.numel());
      UpdateParameters(step, {dense.data_ptr<float>(), size}, parameter.value.data_ptr<float>(),
                       parameter.first.data(), parameter.second.data());
      gradient.reset();
    }
  }

  // The same map on embeddings as they came: the layers absorb the units.
  Layers Export(const Units& units, bool relu) const {
    const at::Tensor first = parameters_[0].value.detach() * (1 / units.scale);
    const at::Tensor first_bias = parameters_[1].value.detach() - first.mul(units.mean).sum(1);
    const at::Tensor last = parameters_[2].value.detach() * units.scale;
    at::Tensor last_bias = parameters_[3].value.detach() * units.scale;
    if (!residual_) last_bias += units.mean;
    Layers layers;
    layers.layers.push_back(ToLayer(first, first_bias, true));
    layers.layers.push_back(ToLayer(last, last_bias, relu));
    layers.layers.back().shape.residual = residual_;
    return layers;
  }

 private:
  void AddLayer(int64_t in, int64_t out, uint64_t seed, bool random) {
    std::vector<float> values(static_cast<size_t>(in * out + out));
    if (random) {
      InitialiseLinear(seed, parameters_.size() / 2, static_cast<uint64_t>(in), values);
    }
    AddParameter(at::from_blob(values.data(), {out, in}, at::kFloat));
    AddParameter(at::from_blob(values.data() + in * out, {out}, at::kFloat));
  }

  void AddParameter(const at::Tensor& initial) {
    Parameter parameter;
    parameter.value = initial.clone().set_requires_grad(true);
    parameter.first.resize(static_cast<size_t>(initial.numel()));
    parameter.second.resize(static_cast<size_t>(initial.numel()));
    parameters_.push_back(std::move(parameter));
  }

  bool residual_;
  std::vector<Parameter> parameters_;  // weight and bias of each layer
};

class Trainer {
 public:
  Trainer(const TransformPairs& pairs, const TransformTrainOptions& options)
      : options_(options),
        chosen_(Choose(options)),
        residual_(options.family != "paper_mlp"),
        relu_(residual_ && pairs.non_negative),
        units_(Wrap(pairs.train_z.view())),
        train_z_(units_.From(Wrap(pairs.train_z.view()))),
        train_target_(units_.From(Wrap(pairs.train_target.view()))),
        held_out_z_(Wrap(pairs.held_out_z.view())),
        held_out_target_(Wrap(pairs.held_out_target.view())),
        network_(train_z_.size(1), residual_, options.seed) {}

  Result<FittedTransform> Run(const TransformProgressCallback& progress) {
    const double identity_error = HeldOutError(held_out_z_);
    std::optional<double> best_error;
    uint32_t best_epoch = 0;
    FittedTransform best;
    for (uint32_t epoch = residual_ ? 0 : 1; epoch <= options_.max_epochs; ++epoch) {
      if (epoch > 0) RunEpoch(epoch);
      const double error = HeldOutError(Mapped());
      if (!std::isfinite(error)) {
        return InvalidArgument(
            "training of '{}' diverged in epoch {} with learning rate {}: give a "
            "smaller one",
            options_.family, epoch, chosen_.learning_rate);
      }
      if (!best_error || error < *best_error) {
        best_error = error;
        best_epoch = epoch;
        best.layers = network_.Export(units_, relu_);
      }
      const TransformProgress state{options_.family, epoch, options_.max_epochs, error,
                                    identity_error > 0 ? 1 - error / identity_error : 0};
      if (progress && !progress(state)) break;
      if (epoch - best_epoch >= options_.patience && epoch > 0) break;
    }
    best.notes = fmt::format("epochs={} learning_rate={} weight_decay={}", best_epoch,
                             chosen_.learning_rate, chosen_.weight_decay);
    return best;
  }

 private:
  void RunEpoch(uint32_t epoch) {
    const int64_t pairs = train_z_.size(0);
    const Permutation order(static_cast<uint64_t>(pairs), options_.seed, epoch);
    const int64_t steps = (pairs + options_.batch_size - 1) / options_.batch_size;
    const uint64_t total = static_cast<uint64_t>(steps) * options_.max_epochs;
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t begin = step * options_.batch_size;
      const int64_t count = std::min<int64_t>(options_.batch_size, pairs - begin);
      const at::Tensor rows = at::empty({count}, at::kLong);
      order.Fill(static_cast<uint64_t>(begin),
                 {rows.data_ptr<int64_t>(), static_cast<size_t>(count)});
      const at::Tensor mapped = network_.Forward(train_z_.index_select(0, rows));
      at::mse_loss(mapped, train_target_.index_select(0, rows)).backward();
      const double rate = ScheduledRate(chosen_.learning_rate, done_, total);
      network_.Update(OptimizerStep(chosen_.optimizer, rate, chosen_.weight_decay, ++done_));
    }
  }

  at::Tensor Mapped() const {
    const at::NoGradGuard no_gradients;
    const at::Tensor mapped = units_.To(network_.Forward(units_.From(held_out_z_)));
    return relu_ ? at::relu(mapped) : mapped;
  }

  // Mean over pairs and dimensions.
  double HeldOutError(const at::Tensor& mapped) const {
    return (mapped - held_out_target_).to(at::kDouble).square_().mean().item<double>();
  }

  const TransformTrainOptions& options_;
  const Hyperparameters chosen_;
  const bool residual_;
  const bool relu_;
  const Units units_;
  at::Tensor train_z_;
  at::Tensor train_target_;
  at::Tensor held_out_z_;
  at::Tensor held_out_target_;
  Network network_;
  uint64_t done_ = 0;
};

}  // namespace

Result<FittedTransform> TrainNetworkTransform(const TransformPairs& pairs,
                                              const TransformTrainOptions& options,
                                              const TransformProgressCallback& progress) {
  // Torch's first operation in a thread resets the number of threads.
  const int threads = ComputeThreads();
  at::get_num_threads();
  SetComputeThreads(threads);
  try {
    return Trainer(pairs, options).Run(progress);
  } catch (const std::exception& error) {
    return Internal("Torch failed while training '{}': {}", options.family, error.what());
  }
}

}  // namespace augstore
