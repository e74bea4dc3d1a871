#include "engine/fitting/model_selection.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "engine/math/bootstrap.h"
#include "engine/math/compute_threads.h"
#include "engine/math/worker_pool.h"
#include "engine/transforms/card.h"
#include "engine/transforms/transform_chain.h"

namespace augstore {
namespace {

// Of G. A paired interval can be narrow enough to show differences that are not worth their cost.
constexpr double kMinGain = 0.02;

bool Allowed(const Family& family, const TransformPairs& pairs,
             const TransformTrainOptions& options) {
  if (family.needs_last_blocks) return options.last_blocks.has_value();
  return !family.reads_feature_maps || pairs.train_feature_maps.rows() > 0;
}

// One run of FitAll.
class FitAllRun {
 public:
  FitAllRun(FamilyFitter& fitter, std::vector<const Family*> families,
            const TransformProgressCallback& progress)
      : fitter_(fitter),
        progress_(progress),
        families_(std::move(families)),
        outcomes_(families_.size()) {}

  Result<std::vector<FittedFamily>> Run(std::string* left_out) {
    const auto closed = static_cast<size_t>(std::ranges::count_if(families_, &Family::closed_form));
    for (size_t i = 0; i < closed; ++i) Try(i);
    const auto alone =
        static_cast<size_t>(std::ranges::count_if(families_, &Family::needs_last_blocks));
    const size_t others = families_.size() - closed - alone;
    const int share = std::max(1, ComputeThreads() / static_cast<int>(others));
    WorkerPool pool(std::min(HardwareThreads(), static_cast<int>(others)));
    pool.Run(others, [&](size_t part, size_t) {
      SetComputeThreads(share);
      Try(closed + part);
      SetComputeThreads(1);
    });
    for (size_t i = closed + others; i < families_.size(); ++i) Try(i);
    return Collect(left_out);
  }

 private:
  void Try(size_t i) {
    if (stopped_) return;
    outcomes_[i] = fitter_.Fit(*families_[i]);
    if (!outcomes_[i]->ok()) return;
    const CardCandidate& summary = (*outcomes_[i])->summary;
    const TransformProgress done{summary.family, 0, 0, summary.mse, summary.r2, &summary};
    if (!progress_(done)) stopped_ = true;
  }

  Result<std::vector<FittedFamily>> Collect(std::string* left_out) {
    std::vector<FittedFamily> fitted;
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      std::optional<Result<FittedFamily>>& outcome = outcomes_[i];
      if (!outcome) continue;
      if (!outcome->ok() && outcome->status().code() == Code::kInvalidArgument) {
        *left_out += fmt::format("{}left out {}: {}", left_out->empty() ? "" : "; ",
                                 families_[i]->name, outcome->status().message());
        continue;
      }
      AUGSTORE_TRY(outcome->status());
      fitted.push_back(std::move(**outcome));
    }
    return fitted;
  }

  FamilyFitter& fitter_;
  const TransformProgressCallback& progress_;
  const std::vector<const Family*> families_;
  std::vector<std::optional<Result<FittedFamily>>> outcomes_;  // of each family
  std::atomic<bool> stopped_ = false;
};

}  // namespace

FamilyFitter::FamilyFitter(const TransformPairs& pairs, const TransformTrainOptions& options,
                           const TransformProgressCallback& progress)
    : pairs_(pairs),
      options_(options),
      progress_(progress),
      closed_forms_(pairs),
      baselines_(SquaredDistances(pairs.held_out_z.view(), pairs.held_out_target.view())) {}

Result<FittedFamily> FamilyFitter::Fit(const Family& family) {
  TransformTrainOptions options = options_;
  options.family = family.name;
  const auto start = std::chrono::steady_clock::now();
  AUGSTORE_ASSIGN(FittedTransform fitted, family.fit({pairs_, options, closed_forms_, progress_}));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  FittedFamily result;
  result.family = &family;
  result.fitted = std::move(fitted);
  result.mapped = Matrix(pairs_.held_out_z.rows(), pairs_.held_out_z.cols());
  TransformWeights weights;
  weights.layers = result.fitted.layers;
  weights.front = result.fitted.front;
  weights.normalised = pairs_.normalised;
  const uint64_t multiply_adds = weights.MultiplyAdds();
  AUGSTORE_TRY(ApplyTransform(weights,
                              {pairs_.held_out_z.view(), pairs_.held_out_feature_maps.view()},
                              result.mapped.view()));
  const ConstMatrixView mapped = std::as_const(result.mapped).view();
  result.errors = SquaredDistances(mapped, pairs_.held_out_target.view());
  result.entry =
      MeasureCard("held-out", pairs_.held_out_z.view(), pairs_.held_out_target.view(), mapped);
  const CardEntry& entry = result.entry;
  result.summary = {options.family, entry.r2,      entry.r2_low,    entry.r2_high,
                    entry.mse,      multiply_adds, elapsed.count(), result.fitted.notes};
  return result;
}

Result<std::vector<FittedFamily>> FamilyFitter::FitAll(std::string* left_out) {
  std::vector<const Family*> families;
  for (const Family& family : TransformFamilies()) {
    if (Allowed(family, pairs_, options_)) families.push_back(&family);
  }
  return FitAllRun(*this, std::move(families), progress_).Run(left_out);
}

FittedFamily& FamilyFitter::Choose(std::vector<FittedFamily>& fitted) const {
  std::vector<Candidate> candidates;
  candidates.reserve(fitted.size());
  for (const FittedFamily& one : fitted) {
    candidates.push_back({one.family->does_nothing ? 0 : one.summary.multiply_adds, one.errors});
  }
  return fitted[ChooseCandidate(candidates, baselines_, options_.seed)];
}

size_t ChooseCandidate(std::span<const Candidate> candidates, std::span<const double> baselines,
                       uint64_t seed) {
  AUGSTORE_CHECK(!candidates.empty());
  const auto r2 = [&](size_t i) { return R2Of(candidates[i].errors, baselines); };
  size_t best = 0;
  for (size_t i = 1; i < candidates.size(); ++i) {
    if (r2(i) > r2(best)) best = i;
  }
  const auto cost = [&](size_t i) { return std::pair(candidates[i].cost, -r2(i)); };
  size_t chosen = best;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (cost(i) >= cost(chosen)) continue;
    const Interval difference =
        BootstrapR2Difference(candidates[best].errors, candidates[i].errors, baselines, seed);
    if (difference.low <= kMinGain * r2(best)) chosen = i;
  }
  return chosen;
}

}  // namespace augstore
