#include "engine/fitting/transform_trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "engine/fitting/last_blocks.h"
#include "engine/fitting/model_selection.h"
#include "engine/fitting/refine.h"
#include "engine/fitting/torch_transform_trainer.h"
#include "engine/kernels/engine.h"
#include "engine/math/bootstrap.h"
#include "engine/math/compute_threads.h"
#include "engine/math/worker_pool.h"
#include "engine/transforms/card.h"
#include "engine/transforms/held_out.h"
#include "engine/transforms/precision.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"

namespace augstore {
namespace {

constexpr size_t kMinPairs = 20;
constexpr std::string_view kAuto = "auto";

Status CheckOptions(const TransformTrainOptions& options) {
  const auto families = TransformFamilies();
  if (options.family != kAuto &&
      std::find(families.begin(), families.end(), options.family) == families.end()) {
    return InvalidArgument("transform family '{}' does not exist: give {} or {}", options.family,
                           fmt::join(families, ", "), kAuto);
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

Status CheckFeatureMaps(const PairFeatureMaps& given, size_t dim,
                        const TransformTrainOptions& options) {
  if (given.feature_maps.rows == 0) {
    if (!FamilyReadsFeatureMaps(options.family) && !options.last_blocks) return OkStatus();
    return InvalidArgument(
        "family '{}' reads feature maps, and the pairs have none: use a backbone file that gives "
        "(embedding, map)",
        FamilyReadsFeatureMaps(options.family) ? options.family : "last_blocks");
  }
  for (size_t i = 0; i < given.feature_maps.rows * given.feature_maps.cols; ++i) {
    if (std::isfinite(given.feature_maps.data[i])) continue;
    return InvalidArgument(
        "the feature map of pair {} has {}: leave it out, or repair the backbone",
        i / given.feature_maps.cols, given.feature_maps.data[i]);
  }
  if (options.family == "last_blocks" && !options.last_blocks) {
    return InvalidArgument("family 'last_blocks' starts at the backbone's last blocks: give them");
  }
  if (!options.last_blocks) return OkStatus();
  AUGSTORE_TRY(options.last_blocks->Validate());
  if (options.last_blocks->feature_map == given.shape && options.last_blocks->features() == dim &&
      !options.last_blocks->convs.empty()) {
    return OkStatus();
  }
  return InvalidArgument(
      "the tail makes {} numbers of a map of {}, and the pairs have {} and maps of {}: give the "
      "last blocks of the backbone that made them",
      options.last_blocks->features(), options.last_blocks->feature_map.ToString(), dim,
      given.shape.ToString());
}

// Of several views of an image the first one alone judges: the others would count it again.
TransformPairs Split(ConstMatrixView z, ConstMatrixView z_target,
                     const PairFeatureMaps& feature_maps, const TransformTrainOptions& options) {
  const size_t images = z.rows / options.views;
  const std::vector<bool> is_held_out =
      HoldoutMask(images, options.seed, options.validation_fraction);
  std::vector<size_t> train;
  std::vector<size_t> held_out;
  for (size_t i = 0; i < z.rows; ++i) {
    if (!is_held_out[i % images]) {
      train.push_back(i);
    } else if (i < images) {
      held_out.push_back(i);
    }
  }
  TransformPairs pairs;
  pairs.train_z = Gather(z, train);
  pairs.train_target = Gather(z_target, train);
  pairs.held_out_z = Gather(z, held_out);
  pairs.held_out_target = Gather(z_target, held_out);
  if (feature_maps.feature_maps.rows > 0) {
    pairs.train_feature_maps = Gather(feature_maps.feature_maps, train);
    pairs.held_out_feature_maps = Gather(feature_maps.feature_maps, held_out);
    pairs.feature_map = feature_maps.shape;
  }
  pairs.non_negative = std::all_of(z_target.data, z_target.data + z.rows * z.cols,
                                   [](float value) { return value >= 0; });
  return pairs;
}

// One family that was fitted, and what it does to the held-out pairs.
struct CandidateRow {
  std::string_view family;
  FittedTransform fitted;
  Matrix mapped;
  std::vector<double> errors;  // |Ω(z) - z'|²
  CardEntry entry;
  CardCandidate summary;
};

// Fits families to the same pairs.
class Fitter {
 public:
  Fitter(const TransformPairs& pairs, const TransformTrainOptions& options,
         const TransformProgressCallback& progress)
      : pairs_(pairs),
        options_(options),
        progress_(progress),
        closed_forms_(pairs),
        baselines_(SquaredDistances(pairs.held_out_z.view(), pairs.held_out_target.view())) {}

  const std::vector<double>& baselines() const { return baselines_; }

  // Any thread may fit a family without a closed form once "affine" is fitted.
  Result<CandidateRow> Fit(std::string_view family) {
    const auto start = std::chrono::steady_clock::now();
    AUGSTORE_ASSIGN(FittedTransform fitted, FitLayers(family));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    CandidateRow candidate;
    candidate.family = family;
    candidate.fitted = std::move(fitted);
    candidate.mapped = Matrix(pairs_.held_out_z.rows(), pairs_.held_out_z.cols());
    TransformWeights weights;
    weights.layers = candidate.fitted.layers;
    weights.front = candidate.fitted.front;
    const uint64_t multiply_adds = weights.MultiplyAdds();
    AUGSTORE_TRY(ApplyTransform(weights,
                                {pairs_.held_out_z.view(), pairs_.held_out_feature_maps.view()},
                                candidate.mapped.view()));
    candidate.errors =
        SquaredDistances(std::as_const(candidate.mapped).view(), pairs_.held_out_target.view());
    candidate.entry =
        MeasureCard("held-out", pairs_.held_out_z.view(), pairs_.held_out_target.view(),
                    std::as_const(candidate.mapped).view());
    candidate.summary = {std::string(family),     candidate.entry.r2,    candidate.entry.r2_low,
                         candidate.entry.r2_high, candidate.entry.mse,   multiply_adds,
                         elapsed.count(),         candidate.fitted.notes};
    return candidate;
  }

 private:
  Result<FittedTransform> FitLayers(std::string_view family) {
    if (ClosedForms::Has(family)) return closed_forms_.Fit(family);
    TransformTrainOptions options = options_;
    options.family = family;
    if (family == "last_blocks")
      return TrainLastBlocks(pairs_, options, *options.last_blocks, progress_);
    if (family != "refined") return TrainNetworkTransform(pairs_, options, progress_);
    AUGSTORE_ASSIGN(const AffineFit* ridge, closed_forms_.Ridge());
    return Refine(pairs_, options, closed_forms_.moments(), *ridge, progress_);
  }

  const TransformPairs& pairs_;
  const TransformTrainOptions& options_;
  const TransformProgressCallback& progress_;
  ClosedForms closed_forms_;
  std::vector<double> baselines_;
};

// Every family that the pairs allow, cheapest first: closed forms one after another, then the
// others side by side, each on its share of the threads, the tail alone at the end. Families do not
// wait for each other at every product as threads of one family would, which costs most on a
// machine that has other work.
class ModelSelection {
 public:
  ModelSelection(Fitter& fitter, bool feature_maps, bool last_blocks,
                 const TransformProgressCallback& progress)
      : fitter_(fitter), progress_(progress) {
    for (const std::string_view family : TransformFamilies()) {
      if (family == "last_blocks" ? last_blocks : feature_maps || !FamilyReadsFeatureMaps(family))
        families_.push_back(family);
    }
    outcomes_.resize(families_.size());
  }

  // Those families that could be fitted, or were done when the caller stopped it.
  Result<std::vector<CandidateRow>> Run(std::string* left_out) {
    const auto first_other = std::ranges::find_if_not(families_, ClosedForms::Has);
    const auto closed = static_cast<size_t>(first_other - families_.begin());
    for (size_t i = 0; i < closed; ++i) Try(i);
    const bool last_blocks = families_.back() == "last_blocks";
    const size_t others = families_.size() - closed - (last_blocks ? 1 : 0);
    const int share = std::max(1, ComputeThreads() / static_cast<int>(others));
    WorkerPool pool(std::min(HardwareThreads(), static_cast<int>(others)));
    pool.Run(others, [&](size_t part, size_t) {
      SetComputeThreads(share);
      Try(closed + part);
      SetComputeThreads(1);
    });
    if (last_blocks) Try(families_.size() - 1);
    return Collect(left_out);
  }

 private:
  void Try(size_t i) {
    if (stopped_) return;
    outcomes_[i] = fitter_.Fit(families_[i]);
    if (!outcomes_[i]->ok()) return;
    const CardCandidate& summary = (*outcomes_[i])->summary;
    const TransformProgress done{summary.family, 0, 0, summary.mse, summary.r2, &summary};
    if (!progress_(done)) stopped_ = true;
  }

  Result<std::vector<CandidateRow>> Collect(std::string* left_out) {
    std::vector<CandidateRow> candidates;
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      std::optional<Result<CandidateRow>>& outcome = outcomes_[i];
      if (!outcome) continue;
      if (!outcome->ok() && outcome->status().code() == Code::kInvalidArgument) {
        *left_out += fmt::format("{}left out {}: {}", left_out->empty() ? "" : "; ", families_[i],
                                 outcome->status().message());
        continue;
      }
      AUGSTORE_TRY(outcome->status());
      candidates.push_back(std::move(**outcome));
    }
    return candidates;
  }

  Fitter& fitter_;
  const TransformProgressCallback& progress_;
  std::vector<std::string_view> families_;
  std::vector<std::optional<Result<CandidateRow>>> outcomes_;  // of each family
  std::atomic<bool> stopped_ = false;
};

size_t Choose(const std::vector<CandidateRow>& fitted, const std::vector<double>& baselines,
              uint64_t seed) {
  std::vector<Candidate> candidates;
  for (const CandidateRow& candidate : fitted) {
    candidates.push_back({candidate.family, candidate.summary.multiply_adds, candidate.errors});
  }
  return ChooseCandidate(candidates, baselines, seed);
}

}  // namespace

Result<TrainedTransform> TrainTransform(ConstMatrixView z, ConstMatrixView z_target,
                                        const TransformTrainOptions& options,
                                        const TransformProgressCallback& progress,
                                        const PairFeatureMaps& feature_maps) {
  AUGSTORE_CHECK(z.rows == z_target.rows && z.cols == z_target.cols);
  AUGSTORE_TRY(CheckOptions(options));
  AUGSTORE_TRY(CheckPairs(z, "z"));
  AUGSTORE_TRY(CheckPairs(z_target, "z'"));
  AUGSTORE_CHECK(feature_maps.feature_maps.rows == 0 ||
                 (feature_maps.feature_maps.rows == z.rows &&
                  feature_maps.feature_maps.cols == feature_maps.shape.values()));
  AUGSTORE_TRY(CheckFeatureMaps(feature_maps, z.cols, options));
  if (options.views == 0 || z.rows % options.views != 0 || z.rows / options.views < kMinPairs) {
    return InvalidArgument("{} pairs cannot be {} views each of at least {} images", z.rows,
                           options.views, kMinPairs);
  }
  const auto start = std::chrono::steady_clock::now();
  const TransformPairs pairs = Split(z, z_target, feature_maps, options);
  Mutex asking;
  bool stopped = false;
  const TransformProgressCallback ask = [&](const TransformProgress& state) {
    const MutexLock lock(asking);
    stopped = stopped || (progress && !progress(state));
    return !stopped;
  };
  Fitter fitter(pairs, options, ask);
  TrainedTransform trained;
  std::vector<CandidateRow> candidates;
  std::string left_out;
  if (options.family == kAuto) {
    AUGSTORE_ASSIGN(candidates, ModelSelection(fitter, feature_maps.feature_maps.rows > 0,
                                               options.last_blocks.has_value(), ask)
                                    .Run(&left_out));
    for (const CandidateRow& candidate : candidates)
      trained.card.candidates.push_back(candidate.summary);
  } else {
    AUGSTORE_ASSIGN(CandidateRow candidate, fitter.Fit(options.family));
    candidates.push_back(std::move(candidate));
  }
  CandidateRow& chosen = candidates[Choose(candidates, fitter.baselines(), options.seed)];
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  const ConstMatrixView mapped = std::as_const(chosen.mapped).view();
  trained.family = chosen.family;
  Card& card = trained.card;
  card.entries.push_back(std::move(chosen.entry));
  card.train_pairs = pairs.train_z.rows();
  card.seed = options.seed;
  card.train_seconds = elapsed.count();
  card.multiply_adds = chosen.summary.multiply_adds;
  card.notes = chosen.fitted.notes + (left_out.empty() || chosen.fitted.notes.empty() ? "" : "; ") +
               left_out;
  trained.weights.layers = std::move(chosen.fitted.layers);
  trained.weights.front = std::move(chosen.fitted.front);
  trained.weights.error_bank = KeepErrors(pairs.held_out_target.view(), mapped, options.error_bank);
  AUGSTORE_ASSIGN(const TransformStep step, StepOf(trained.weights));
  AUGSTORE_ASSIGN(card.measures,
                  MeasureLosses(step, {pairs.held_out_z.view(), pairs.held_out_feature_maps.view()},
                                pairs.held_out_target.view()));
  return trained;
}

}  // namespace augstore
