#include "engine/fitting/torch_transform_trainer.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "engine/fitting/epoch_loop.h"
#include "engine/fitting/torch_linear.h"
#include "engine/fitting/torch_training.h"
#include "engine/math/linear_init.h"

namespace augstore {
namespace {

// The defaults were chosen on vertical flips of 9,000 small images: among rates from 0.1 to 4 and
// decays from 0 to 1e-3 for "paper_mlp", rates from 3e-4 to 3e-3 and decays from 0.01 to 10 for
// "residual". Strong decay pays there, since few pairs determine many weights; a higher rate gains
// a little but often stops too early.
TorchDescent::Options DescentOf(const TransformTrainOptions& options, bool residual) {
  TorchDescent::Options descent{OptimizerKind::kSgd, 1, 1e-4, options.seed, options.batch_size,
                                options.max_epochs};
  if (residual) {
    descent.optimizer = OptimizerKind::kAdamW;
    descent.learning_rate = 5e-4;
    descent.weight_decay = 4;
  }
  if (options.learning_rate > 0) descent.learning_rate = options.learning_rate;
  if (options.weight_decay >= 0) descent.weight_decay = options.weight_decay;
  return descent;
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
  layer.weight = ValuesOf(weight);
  layer.bias = ValuesOf(bias);
  return layer;
}

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

  std::vector<TorchParameter>* parameters() { return &parameters_; }

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
    const std::span<const float> all(values);
    const auto weights = static_cast<size_t>(in * out);
    parameters_.emplace_back(all.first(weights), at::IntArrayRef{out, in});
    parameters_.emplace_back(all.subspan(weights), at::IntArrayRef{out});
  }

  bool residual_;
  std::vector<TorchParameter> parameters_;  // weight and bias of each layer
};

class NetworkTrainer : public EpochTrainer {
 public:
  NetworkTrainer(const TransformPairs& pairs, const TorchDescent::Options& options, bool residual)
      : decay_(options.weight_decay),
        relu_(residual && pairs.non_negative),
        units_(WrapMatrix(pairs.train_z.view())),
        train_z_(units_.From(WrapMatrix(pairs.train_z.view()))),
        held_out_z_(WrapMatrix(pairs.held_out_z.view())),
        held_out_target_(WrapMatrix(pairs.held_out_target.view())),
        network_(train_z_.size(1), residual, options.seed),
        descent_(options, units_.From(WrapMatrix(pairs.train_target.view())),
                 network_.parameters()) {}

  uint32_t Advance(uint32_t epoch) override {
    descent_.RunEpoch(epoch + 1, [this](const at::Tensor& rows) {
      return network_.Forward(train_z_.index_select(0, rows));
    });
    return epoch + 1;
  }

  Result<double> HeldOutError() override {
    const at::NoGradGuard no_gradients;
    const at::Tensor mapped = units_.To(network_.Forward(units_.From(held_out_z_)));
    const at::Tensor clamped = relu_ ? at::relu(mapped) : mapped;
    return (clamped - held_out_target_).to(at::kDouble).square_().mean().item<double>();
  }

  FittedTransform Export() const override {
    FittedTransform fitted;
    fitted.layers = network_.Export(units_, relu_);
    fitted.notes = fmt::format("weight_decay={}", decay_);
    return fitted;
  }

 private:
  const double decay_;
  const bool relu_;
  const Units units_;
  at::Tensor train_z_;
  at::Tensor held_out_z_;
  at::Tensor held_out_target_;
  Network network_;
  TorchDescent descent_;
};

Result<FittedTransform> Train(const TransformPairs& pairs, const TransformTrainOptions& options,
                              bool residual, const TransformProgressCallback& progress) {
  return GuardTorch(options.family, [&]() -> Result<FittedTransform> {
    const TorchDescent::Options descent = DescentOf(options, residual);
    NetworkTrainer trainer(pairs, descent, residual);
    EpochPlan plan;
    plan.family = options.family;
    plan.learning_rate = descent.learning_rate;
    plan.max_epochs = options.max_epochs;
    plan.patience = options.patience;
    plan.judge_start = residual;
    return TrainEpochs(trainer, std::move(plan), pairs, progress);
  });
}

}  // namespace

Result<FittedTransform> TrainPaperMlp(const TransformPairs& pairs,
                                      const TransformTrainOptions& options,
                                      const TransformProgressCallback& progress) {
  return Train(pairs, options, false, progress);
}

Result<FittedTransform> TrainResidual(const TransformPairs& pairs,
                                      const TransformTrainOptions& options,
                                      const TransformProgressCallback& progress) {
  return Train(pairs, options, true, progress);
}

}  // namespace augstore
