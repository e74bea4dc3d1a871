#include "engine/fitting/transform_trainer.h"

#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/fitting/families.h"
#include "engine/fitting/model_selection.h"
#include "engine/fitting/pairs.h"
#include "engine/transforms/holdout.h"
#include "engine/transforms/precision.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {
namespace {

constexpr size_t kMinPairs = 20;

Status CheckPairs(ConstMatrixView z, std::string_view what) {
  if (z.rows < kMinPairs) {
    return InvalidArgument("{} pairs: a transform is trained on at least {}", z.rows, kMinPairs);
  }
  if (z.cols == 0 || z.cols > kMaxDim) {
    return InvalidArgument("embeddings of dimension {}: give 1 .. {}", z.cols, kMaxDim);
  }
  return CheckFinite(z, what);
}

Status CheckFeatureMaps(const PairFeatureMaps& given, size_t dim,
                        const TransformTrainOptions& options) {
  const bool needs_last_blocks = FamilyNeedsLastBlocks(options.family);
  if (given.feature_maps.rows == 0) {
    if (!FamilyReadsFeatureMaps(options.family) && !options.last_blocks) return OkStatus();
    return InvalidArgument(
        "family '{}' reads feature maps, and the pairs have none: use a backbone file that returns "
        "(embedding, feature map)",
        FamilyReadsFeatureMaps(options.family)
            ? options.family
            : FamilyNames([](const Family& family) { return family.needs_last_blocks; }));
  }
  AUGSTORE_TRY(CheckFinite(given.feature_maps, "the feature maps"));
  if (needs_last_blocks && !options.last_blocks) {
    return InvalidArgument("family '{}' starts at the backbone's last blocks: give them",
                           options.family);
  }
  if (!options.last_blocks) return OkStatus();
  const SpatialFront& blocks = *options.last_blocks;
  AUGSTORE_TRY(blocks.Validate());
  if (blocks.feature_map == given.shape && blocks.features() == dim && !blocks.convs.empty()) {
    return OkStatus();
  }
  return InvalidArgument(
      "the last blocks make {} numbers of a feature map of {}, and the pairs have {} and feature "
      "maps of {}: give the last blocks of the backbone that made them",
      blocks.features(), blocks.feature_map.ToString(), dim, given.shape.ToString());
}

Status CheckInputs(ConstMatrixView z, ConstMatrixView z_target,
                   const TransformTrainOptions& options, const PairFeatureMaps& feature_maps) {
  AUGSTORE_CHECK(z.rows == z_target.rows && z.cols == z_target.cols);
  AUGSTORE_CHECK(feature_maps.feature_maps.rows == 0 ||
                 (feature_maps.feature_maps.rows == z.rows &&
                  feature_maps.feature_maps.cols == feature_maps.shape.values()));
  AUGSTORE_TRY(CheckTrainOptions(options));
  AUGSTORE_TRY(CheckPairs(z, "z"));
  AUGSTORE_TRY(CheckPairs(z_target, "z'"));
  AUGSTORE_TRY(CheckFeatureMaps(feature_maps, z.cols, options));
  if (options.views > 0 && z.rows % options.views == 0 && z.rows / options.views >= kMinPairs) {
    return OkStatus();
  }
  return InvalidArgument("{} pairs cannot be {} views each of at least {} images", z.rows,
                         options.views, kMinPairs);
}

void FillCard(const TransformPairs& pairs, const TransformTrainOptions& options,
              const FittedFamily& chosen, const std::string& left_out, Card* card) {
  card->entries.push_back(chosen.entry);
  card->train_pairs = pairs.train_z.rows();
  card->seed = options.seed;
  card->multiply_adds = chosen.summary.multiply_adds;
  const std::string& notes = chosen.fitted.notes;
  card->notes = notes + (left_out.empty() || notes.empty() ? "" : "; ") + left_out;
}

}  // namespace

Status CheckTrainOptions(const TransformTrainOptions& options) {
  if (options.family != kAutoFamily && FindFamily(options.family) == nullptr) {
    return InvalidArgument("transform family '{}' does not exist: give {} or {}", options.family,
                           FamilyNames([](const Family&) { return true; }), kAutoFamily);
  }
  if (options.error_bank > kMaxErrorBankRows) {
    return InvalidArgument("an error bank of {} rows: give 0 .. {}", options.error_bank,
                           kMaxErrorBankRows);
  }
  if (!(options.validation_fraction > 0 && options.validation_fraction <= 0.9)) {
    return InvalidArgument("validation fraction {}: give a number above 0 and at most 0.9",
                           options.validation_fraction);
  }
  if (options.max_epochs == 0) {
    return InvalidArgument("at most 0 epochs of training: give at least 1");
  }
  for (const uint32_t size : {options.batch_size, options.last_blocks_batch_size}) {
    if (size > 0 && size <= kMaxBatchRows) continue;
    return InvalidArgument("training batches of {} pairs: give 1 .. {}", size, kMaxBatchRows);
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

Result<TrainedTransform> TrainTransform(ConstMatrixView z, ConstMatrixView z_target,
                                        const TransformTrainOptions& options,
                                        const TransformProgressCallback& progress,
                                        const PairFeatureMaps& feature_maps) {
  AUGSTORE_TRY(CheckInputs(z, z_target, options, feature_maps));
  const auto start = std::chrono::steady_clock::now();
  const TransformPairs pairs = SplitPairs(z, z_target, feature_maps, options);
  Mutex asking;  // families report from threads of their own
  bool stopped = false;
  const TransformProgressCallback ask = [&](const TransformProgress& state) {
    const MutexLock lock(asking);
    stopped = stopped || (progress && !progress(state));
    return !stopped;
  };
  FamilyFitter fitter(pairs, options, ask);
  TrainedTransform trained;
  std::vector<FittedFamily> fitted;
  std::string left_out;
  if (options.family == kAutoFamily) {
    AUGSTORE_ASSIGN(fitted, fitter.FitAll(&left_out));
    for (const FittedFamily& one : fitted) trained.card.candidates.push_back(one.summary);
  } else {
    AUGSTORE_ASSIGN(FittedFamily one, fitter.Fit(*FindFamily(options.family)));
    fitted.push_back(std::move(one));
  }
  FittedFamily& chosen = fitter.Choose(fitted);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  FillCard(pairs, options, chosen, left_out, &trained.card);
  trained.card.train_seconds = elapsed.count();
  trained.family = chosen.family->name;
  trained.weights.layers = std::move(chosen.fitted.layers);
  trained.weights.front = std::move(chosen.fitted.front);
  trained.weights.normalised = pairs.normalised;
  trained.weights.error_bank = KeepErrors(pairs.held_out_target.view(),
                                          std::as_const(chosen.mapped).view(), options.error_bank);
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(trained.weights));
  AUGSTORE_ASSIGN(trained.card.measures,
                  MeasureLosses(step, {pairs.held_out_z.view(), pairs.held_out_feature_maps.view()},
                                pairs.held_out_target.view()));
  return trained;
}

}  // namespace augstore
