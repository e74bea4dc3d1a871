#include "engine/transform_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/affine_fit.h"
#include "engine/card.h"
#include "engine/counter_rng.h"
#include "engine/engine.h"
#include "engine/torch_transform_trainer.h"
#include "schemas/limits.h"

namespace augstore {
namespace {

constexpr size_t kMinPairs = 20;

Status CheckOptions(const TransformTrainOptions& options) {
  if (options.family != "mlp" && options.family != "residual" && options.family != "affine") {
    return InvalidArgument("transform family '{}' does not exist: give mlp, residual or affine",
                           options.family);
  }
  if (!(options.validation_fraction > 0 && options.validation_fraction <= 0.9)) {
    return InvalidArgument("validation fraction {}: give a number above 0 and at most 0.9",
                           options.validation_fraction);
  }
  if (options.max_epochs == 0) {
    return InvalidArgument("at most 0 epochs of training: give at least 1");
  }
  if (options.batch_size == 0 || options.batch_size > kMaxBatchRows) {
    return InvalidArgument("training batches of {} pairs: give 1 .. {}", options.batch_size,
                           kMaxBatchRows);
  }
  if (!std::isfinite(options.learning_rate) || options.learning_rate < 0) {
    return InvalidArgument("learning rate {}: give a number above 0, or 0 for the default",
                           options.learning_rate);
  }
  if (!std::isfinite(options.weight_decay)) {
    return InvalidArgument("weight decay {}: give 0 or more, or -1 for the default",
                           options.weight_decay);
  }
  return OkStatus();
}

Status CheckPairs(ConstMatrixView z, std::string_view what) {
  if (z.rows < kMinPairs) {
    return InvalidArgument("{} pairs: a transform is trained on at least {}", z.rows, kMinPairs);
  }
  if (z.cols == 0 || z.cols > kMaxDim) {
    return InvalidArgument("embeddings of dimension {}: give 1 .. {}", z.cols, kMaxDim);
  }
  for (size_t i = 0; i < z.rows * z.cols; ++i) {
    if (!std::isfinite(z.data[i])) {
      return InvalidArgument(
          "pair {} has {} at dimension {} of {}: leave it out, or repair the "
          "backbone that made it",
          i / z.cols, z.data[i], i % z.cols, what);
    }
  }
  return OkStatus();
}

Matrix Gather(ConstMatrixView from, const std::vector<size_t>& rows) {
  Matrix result(rows.size(), from.cols);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(from.row(rows[i]).data(), from.cols, result.row(i).data());
  }
  return result;
}

// Pair i is held out when its draw is below the fraction. Should that leave one part empty, it gets
// the pair whose draw is nearest to it.
TransformPairs Split(ConstMatrixView z, ConstMatrixView z_target,
                     const TransformTrainOptions& options) {
  std::vector<double> draws(z.rows);
  for (size_t i = 0; i < z.rows; ++i) {
    draws[i] = PhiloxUniform(options.seed, RngUse::kSplit, 0, i);
  }
  const auto [least, most] = std::minmax_element(draws.begin(), draws.end());
  *least = 0;
  *most = 1;
  std::vector<size_t> train;
  std::vector<size_t> held_out;
  for (size_t i = 0; i < z.rows; ++i) {
    (draws[i] < options.validation_fraction ? held_out : train).push_back(i);
  }
  TransformPairs pairs{Gather(z, train), Gather(z_target, train), Gather(z, held_out),
                       Gather(z_target, held_out)};
  pairs.non_negative = std::all_of(z_target.data, z_target.data + z.rows * z.cols,
                                   [](float value) { return value >= 0; });
  return pairs;
}

Result<FittedTransform> Fit(const TransformPairs& pairs, const TransformTrainOptions& options,
                            const TransformProgressCallback& progress) {
  if (options.family != "affine") return TrainNetworkTransform(pairs, options, progress);
  AUGSTORE_ASSIGN(AffineFit fit, FitAffine(pairs.train_z.view(), pairs.train_target.view(),
                                           pairs.held_out_z.view(), pairs.held_out_target.view(),
                                           pairs.non_negative));
  FittedTransform fitted;
  fitted.layers.layers.push_back(std::move(fit.layer));
  fitted.notes = fmt::format("lambda={:.4g}", fit.lambda);
  return fitted;
}

}  // namespace

Result<TrainedTransform> TrainTransform(
    ConstMatrixView z, ConstMatrixView z_target, const TransformTrainOptions& options,
    const std::function<bool(const TransformProgress&)>& progress) {
  AUGSTORE_CHECK(z.rows == z_target.rows && z.cols == z_target.cols);
  AUGSTORE_TRY(CheckOptions(options));
  AUGSTORE_TRY(CheckPairs(z, "z"));
  AUGSTORE_TRY(CheckPairs(z_target, "z'"));
  const auto start = std::chrono::steady_clock::now();
  const TransformPairs pairs = Split(z, z_target, options);
  AUGSTORE_ASSIGN(FittedTransform fitted, Fit(pairs, options, progress));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(fitted.layers));
  Matrix mapped(pairs.held_out_z.rows(), z.cols);
  AUGSTORE_TRY(NewOneDnnEngine()->Apply(network, pairs.held_out_z.view(), mapped.view()));
  TrainedTransform trained;
  trained.card.entries.push_back(MeasureCard("held-out", pairs.held_out_z.view(),
                                             pairs.held_out_target.view(),
                                             std::as_const(mapped).view()));
  trained.card.train_pairs = pairs.train_z.rows();
  trained.card.seed = options.seed;
  trained.card.train_seconds = elapsed.count();
  trained.card.multiply_adds = fitted.layers.MultiplyAdds();
  trained.card.notes = std::move(fitted.notes);
  trained.layers = std::move(fitted.layers);
  return trained;
}

}  // namespace augstore
