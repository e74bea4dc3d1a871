#include "engine/fitting/torch_last_blocks_trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/fitting/epoch_loop.h"
#include "engine/fitting/torch_linear.h"
#include "engine/fitting/torch_training.h"
#include "engine/kernels/tile_engine.h"
#include "engine/transforms/spatial_features.h"

namespace augstore {
namespace {

// Chosen on vertical flips and rotations of 9,000 small images.
constexpr double kLearningRate = 3e-4;
constexpr double kWeightDecay = 1e-2;
constexpr int64_t kJudgedRows = 256;  // of one evaluation step

// t_0 of every feature map, n x height x width x channels.
Result<Matrix> MixMaps(const SpatialFront& front, ConstMatrixView feature_maps) {
  SpatialFront mix = front;
  mix.convs.clear();
  AUGSTORE_ASSIGN(const SpatialFeaturesPtr features, SpatialFeatures::Make(std::move(mix)));
  Matrix mixed(feature_maps.rows, features->features());
  SpatialScratch scratch;
  AUGSTORE_TRY(features->Apply(*NewTileEngine(), feature_maps, mixed.view(), &scratch));
  return mixed;
}

// relu(A z + blocks(t_0) + b).
class LastBlocksNetwork {
 public:
  LastBlocksNetwork(const SpatialFront& front, int64_t dim, bool relu)
      : front_(front), relu_(relu) {
    for (const Conv& conv : front.convs) {
      const int64_t out = conv.out, in = conv.in, kernel = conv.kernel;
      parameters_.emplace_back(conv.weight, at::IntArrayRef{out, in, kernel, kernel});
      parameters_.emplace_back(conv.bias, at::IntArrayRef{out});
    }
    const std::vector<float> zeros(static_cast<size_t>(dim * dim));
    parameters_.emplace_back(zeros, at::IntArrayRef{dim, dim});
    parameters_.emplace_back(std::span(zeros).first(static_cast<size_t>(dim)),
                             at::IntArrayRef{dim});
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

  std::vector<TorchParameter>* parameters() { return &parameters_; }

  FittedTransform Export() const {
    FittedTransform fitted;
    fitted.front = front_;
    for (size_t i = 0; i < front_.convs.size(); ++i) {
      fitted.front->convs[i].weight = ValuesOf(parameters_[2 * i].value);
      fitted.front->convs[i].bias = ValuesOf(parameters_[2 * i + 1].value);
    }
    const std::vector<float> of_z = ValuesOf(parameters_[parameters_.size() - 2].value);
    Layer sum;
    sum.bias = ValuesOf(parameters_.back().value);
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
  std::vector<TorchParameter> parameters_;  // weight and bias of each convolution, then A and b
};

class LastBlocksTrainer : public EpochTrainer {
 public:
  LastBlocksTrainer(const TransformPairs& pairs, const TorchDescent::Options& options,
                    const SpatialFront& front, const Matrix& train_mixed,
                    const Matrix& held_out_mixed)
      : decay_(options.weight_decay),
        train_z_(WrapMatrix(pairs.train_z.view())),
        train_mixed_(WrapMatrix(train_mixed.view())),
        held_out_z_(WrapMatrix(pairs.held_out_z.view())),
        held_out_mixed_(WrapMatrix(held_out_mixed.view())),
        held_out_target_(WrapMatrix(pairs.held_out_target.view())),
        network_(front, train_z_.size(1), pairs.non_negative),
        descent_(options, WrapMatrix(pairs.train_target.view()), network_.parameters()) {}

  uint32_t Advance(uint32_t epoch) override {
    descent_.RunEpoch(epoch + 1, [this](const at::Tensor& rows) {
      return network_.Forward(train_z_.index_select(0, rows), train_mixed_.index_select(0, rows));
    });
    return epoch + 1;
  }

  Result<double> HeldOutError() override {
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

  FittedTransform Export() const override {
    FittedTransform fitted = network_.Export();
    fitted.notes = fmt::format("weight_decay={}", decay_);
    return fitted;
  }

 private:
  const double decay_;
  at::Tensor train_z_;
  at::Tensor train_mixed_;
  at::Tensor held_out_z_;
  at::Tensor held_out_mixed_;
  at::Tensor held_out_target_;
  LastBlocksNetwork network_;
  TorchDescent descent_;
};

}  // namespace

Result<FittedTransform> TrainLastBlocks(const TransformPairs& pairs,
                                        const TransformTrainOptions& options, SpatialFront front,
                                        const TransformProgressCallback& progress) {
  AUGSTORE_CHECK(front.features() == pairs.train_z.cols() && !front.convs.empty());
  return GuardTorch(options.family, [&]() -> Result<FittedTransform> {
    AUGSTORE_ASSIGN(const Matrix train, MixMaps(front, pairs.train_feature_maps.view()));
    AUGSTORE_ASSIGN(const Matrix held_out, MixMaps(front, pairs.held_out_feature_maps.view()));
    const TorchDescent::Options descent{
        .optimizer = OptimizerKind::kAdamW,
        .learning_rate = options.learning_rate > 0 ? options.learning_rate : kLearningRate,
        .weight_decay = options.weight_decay >= 0 ? options.weight_decay : kWeightDecay,
        .seed = options.seed,
        .batch_size = options.last_blocks_batch_size,
        .max_epochs = options.last_blocks_epochs};
    LastBlocksTrainer trainer(pairs, descent, front, train, held_out);
    EpochPlan plan;
    plan.family = options.family;
    plan.learning_rate = descent.learning_rate;
    plan.max_epochs = options.last_blocks_epochs;
    plan.patience = options.patience;
    return TrainEpochs(trainer, std::move(plan), pairs, progress);
  });
}

}  // namespace augstore
