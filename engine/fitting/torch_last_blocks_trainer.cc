#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "engine/fitting/last_blocks.h"
#include "engine/fitting/torch_linear.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/compute_threads.h"
#include "engine/math/optimizer.h"
#include "engine/math/permutation.h"
#include "engine/transforms/spatial_features.h"

namespace augstore {
namespace {

// Chosen on vertical flips and rotations of 9,000 small images.
constexpr double kLearningRate = 3e-4;
constexpr double kWeightDecay = 1e-2;
constexpr int64_t kJudgedRows = 256;  // of one evaluation step

struct Parameter {
  at::Tensor value;
  std::vector<float> first;
  std::vector<float> second;
};

Parameter MakeParameter(const std::vector<float>& values, at::IntArrayRef shape) {
  Parameter parameter;
  parameter.value = at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat)
                        .clone()
                        .set_requires_grad(true);
  parameter.first.resize(values.size());
  parameter.second.resize(values.size());
  return parameter;
}

std::vector<float> Values(const Parameter& parameter) {
  const at::Tensor dense = parameter.value.detach().contiguous();
  const auto* const values = static_cast<const float*>(dense.data_ptr());
  return {values, values + dense.numel()};
}

// t_0 of every map, n x height x width x channels.
Result<Matrix> MixMaps(const SpatialFront& front, ConstMatrixView feature_maps) {
  SpatialFront mix = front;
  mix.convs.clear();
  AUGSTORE_ASSIGN(const SpatialFeaturesPtr features, SpatialFeatures::Make(std::move(mix)));
  Matrix mixed(feature_maps.rows, features->features());
  SpatialScratch scratch;
  AUGSTORE_TRY(features->Apply(*NewTileEngine(), feature_maps, mixed.view(), &scratch));
  return mixed;
}

at::Tensor Wrap(const Matrix& matrix) {
  return at::from_blob(const_cast<float*>(matrix.data()),
                       {static_cast<int64_t>(matrix.rows()), static_cast<int64_t>(matrix.cols())},
                       at::kFloat);
}

// relu(A z + tail(t_0) + b).
class LastBlocksNetwork {
 public:
  LastBlocksNetwork(const SpatialFront& front, int64_t dim, bool relu)
      : front_(front), relu_(relu) {
    for (const Conv& conv : front.convs) {
      const int64_t out = conv.out, in = conv.in, kernel = conv.kernel;
      parameters_.push_back(MakeParameter(conv.weight, {out, in, kernel, kernel}));
      parameters_.push_back(MakeParameter(conv.bias, {out}));
    }
    parameters_.push_back(
        MakeParameter(std::vector<float>(static_cast<size_t>(dim * dim)), {dim, dim}));
    parameters_.push_back(MakeParameter(std::vector<float>(static_cast<size_t>(dim)), {dim}));
  }

  // `mixed` is n x (height * width * channels).
  at::Tensor Forward(const at::Tensor& z, const at::Tensor& mixed) const {
    const FeatureMapShape shape = front_.ShapeOf(0);
    std::vector<at::Tensor> tensors = {
        mixed.view({mixed.size(0), shape.height, shape.width, shape.channels})
            .permute({0, 3, 1, 2})};
    for (size_t i = 0; i < front_.convs.size(); ++i) {
      const Conv& conv = front_.convs[i];
      at::Tensor out = at::conv2d(tensors[conv.source], parameters_[2 * i].value,
                                  parameters_[2 * i + 1].value, conv.stride, conv.kernel / 2);
      if (conv.add) out = out + tensors[*conv.add];
      if (conv.activation == Activation::kRelu) out = at::relu(out);
      tensors.push_back(std::move(out));
    }
    const size_t last = parameters_.size() - 2;
    const at::Tensor of_z = TorchLinear(z, parameters_[last].value, parameters_[last + 1].value);
    const at::Tensor sum = of_z + tensors.back().mean(at::IntArrayRef{2, 3});
    return relu_ ? at::relu(sum) : sum;
  }

  // Moves the parameters along their gradients and clears those.
  void Update(const OptimizerStep& step) {
    for (Parameter& parameter : parameters_) {
      at::Tensor& gradient = parameter.value.mutable_grad();
      const at::Tensor dense = gradient.contiguous();
      UpdateParameters(step, {dense.data_ptr<float>(), static_cast<size_t>(dense.numel())},
                       parameter.value.data_ptr<float>(), parameter.first.data(),
                       parameter.second.data());
      gradient.reset();
    }
  }

  FittedTransform Export() const {
    FittedTransform fitted;
    fitted.front = front_;
    for (size_t i = 0; i < front_.convs.size(); ++i) {
      fitted.front->convs[i].weight = Values(parameters_[2 * i]);
      fitted.front->convs[i].bias = Values(parameters_[2 * i + 1]);
    }
    const std::vector<float> of_z = Values(parameters_[parameters_.size() - 2]);
    Layer sum;
    sum.bias = Values(parameters_.back());
    const size_t dim = sum.bias.size();
    sum.shape.in = static_cast<uint32_t>(2 * dim);
    sum.shape.out = static_cast<uint32_t>(dim);
    sum.shape.activation = relu_ ? Activation::kRelu : Activation::kNone;
    sum.weight.assign(2 * dim * dim, 0.0F);
    for (size_t out = 0; out < dim; ++out) {
      std::copy_n(&of_z[out * dim], dim, &sum.weight[out * 2 * dim]);
      sum.weight[out * 2 * dim + dim + out] = 1;
    }
    fitted.layers.layers.push_back(std::move(sum));
    return fitted;
  }

 private:
  const SpatialFront& front_;
  bool relu_;
  std::vector<Parameter> parameters_;  // weight and bias of each convolution, then A and b
};

class LastBlocksTrainer {
 public:
  LastBlocksTrainer(const TransformPairs& pairs, const TransformTrainOptions& options,
                    const SpatialFront& front, const Matrix& train_mixed,
                    const Matrix& held_out_mixed)
      : options_(options),
        rate_(options.learning_rate > 0 ? options.learning_rate : kLearningRate),
        decay_(options.weight_decay >= 0 ? options.weight_decay : kWeightDecay),
        train_z_(Wrap(pairs.train_z)),
        train_mixed_(Wrap(train_mixed)),
        train_target_(Wrap(pairs.train_target)),
        held_out_z_(Wrap(pairs.held_out_z)),
        held_out_mixed_(Wrap(held_out_mixed)),
        held_out_target_(Wrap(pairs.held_out_target)),
        network_(front, train_z_.size(1), pairs.non_negative) {}

  Result<FittedTransform> Run(const TransformProgressCallback& progress) {
    const double identity_error =
        (held_out_z_ - held_out_target_).to(at::kDouble).square_().mean().item<double>();
    std::optional<double> best_error;
    uint32_t best_epoch = 0;
    FittedTransform best;
    for (uint32_t epoch = 0; epoch <= options_.last_blocks_epochs; ++epoch) {
      if (epoch > 0) RunEpoch(epoch);
      const double error = HeldOutError();
      if (!std::isfinite(error)) {
        return InvalidArgument(
            "training of 'last_blocks' diverged in epoch {} with learning rate {}: give a smaller "
            "one",
            epoch, rate_);
      }
      if (!best_error || error < *best_error) {
        best_error = error;
        best_epoch = epoch;
        best = network_.Export();
      }
      const TransformProgress state{"last_blocks", epoch, options_.last_blocks_epochs, error,
                                    identity_error > 0 ? 1 - error / identity_error : 0};
      if (progress && !progress(state)) break;
      if (epoch - best_epoch >= options_.patience && epoch > 0) break;
    }
    best.notes =
        fmt::format("epochs={} learning_rate={} weight_decay={}", best_epoch, rate_, decay_);
    return best;
  }

 private:
  void RunEpoch(uint32_t epoch) {
    const int64_t pairs = train_z_.size(0);
    const Permutation order(static_cast<uint64_t>(pairs), options_.seed, epoch);
    const int64_t steps =
        (pairs + options_.last_blocks_batch_size - 1) / options_.last_blocks_batch_size;
    const uint64_t total = static_cast<uint64_t>(steps) * options_.last_blocks_epochs;
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t begin = step * options_.last_blocks_batch_size;
      const int64_t count = std::min<int64_t>(options_.last_blocks_batch_size, pairs - begin);
      const at::Tensor rows = at::empty({count}, at::kLong);
      order.Fill(static_cast<uint64_t>(begin),
                 {rows.data_ptr<int64_t>(), static_cast<size_t>(count)});
      const at::Tensor mapped =
          network_.Forward(train_z_.index_select(0, rows), train_mixed_.index_select(0, rows));
      at::mse_loss(mapped, train_target_.index_select(0, rows)).backward();
      network_.Update(OptimizerStep(OptimizerKind::kAdamW, ScheduledRate(rate_, done_, total),
                                    decay_, done_ + 1));
      ++done_;
    }
  }

  // Mean over pairs and dimensions.
  double HeldOutError() const {
    const at::NoGradGuard no_gradients;
    double sum = 0;
    for (int64_t begin = 0; begin < held_out_z_.size(0); begin += kJudgedRows) {
      const int64_t end = std::min(begin + kJudgedRows, held_out_z_.size(0));
      const at::Tensor mapped =
          network_.Forward(held_out_z_.slice(0, begin, end), held_out_mixed_.slice(0, begin, end));
      sum += (mapped - held_out_target_.slice(0, begin, end))
                 .to(at::kDouble)
                 .square_()
                 .sum()
                 .item<double>();
    }
    return sum / static_cast<double>(held_out_target_.numel());
  }

  const TransformTrainOptions& options_;
  const double rate_;
  const double decay_;
  at::Tensor train_z_;
  at::Tensor train_mixed_;
  at::Tensor train_target_;
  at::Tensor held_out_z_;
  at::Tensor held_out_mixed_;
  at::Tensor held_out_target_;
  LastBlocksNetwork network_;
  uint64_t done_ = 0;
};

}  // namespace

Result<FittedTransform> TrainLastBlocks(const TransformPairs& pairs,
                                        const TransformTrainOptions& options, SpatialFront front,
                                        const TransformProgressCallback& progress) {
  AUGSTORE_CHECK(front.features() == pairs.train_z.cols() && !front.convs.empty());
  // Torch's first operation in a thread resets the number of threads.
  const int threads = ComputeThreads();
  at::get_num_threads();
  SetComputeThreads(threads);
  AUGSTORE_ASSIGN(const Matrix train, MixMaps(front, pairs.train_feature_maps.view()));
  AUGSTORE_ASSIGN(const Matrix held_out, MixMaps(front, pairs.held_out_feature_maps.view()));
  try {
    return LastBlocksTrainer(pairs, options, front, train, held_out).Run(progress);
  } catch (const std::exception& error) {
    return Internal("Torch failed while training 'last_blocks': {}", error.what());
  }
}

}  // namespace augstore
