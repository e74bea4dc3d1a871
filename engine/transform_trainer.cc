#include "engine/transform_trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/bootstrap.h"
#include "engine/card.h"
#include "engine/engine.h"
#include "engine/held_out.h"
#include "engine/ladder.h"
#include "engine/onednn_gemm.h"
#include "engine/refine.h"
#include "engine/torch_transform_trainer.h"
#include "engine/worker_pool.h"
#include "schemas/limits.h"

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
  if (options.residuals > kMaxResiduals) {
    return InvalidArgument("{} residuals to keep: give 0 .. {}", options.residuals, kMaxResiduals);
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

// Of several views of an image the first one alone judges: the others would count it again.
TransformPairs Split(ConstMatrixView z, ConstMatrixView z_target,
                     const TransformTrainOptions& options) {
  const size_t images = z.rows / options.views;
  const std::vector<bool> is_held_out = HeldOut(images, options.seed, options.validation_fraction);
  std::vector<size_t> train;
  std::vector<size_t> held_out;
  for (size_t i = 0; i < z.rows; ++i) {
    if (!is_held_out[i % images]) {
      train.push_back(i);
    } else if (i < images) {
      held_out.push_back(i);
    }
  }
  TransformPairs pairs{Gather(z, train), Gather(z_target, train), Gather(z, held_out),
                       Gather(z_target, held_out)};
  pairs.non_negative = std::all_of(z_target.data, z_target.data + z.rows * z.cols,
                                   [](float value) { return value >= 0; });
  return pairs;
}

// One family that was fitted, and what it does to the held-out pairs.
struct Rung {
  std::string_view family;
  FittedTransform fitted;
  Matrix mapped;
  std::vector<double> errors;  // |Ω(z) - z'|²
  CardEntry entry;
  CardRung summary;
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
  Result<Rung> Fit(std::string_view family) {
    const auto start = std::chrono::steady_clock::now();
    AUGSTORE_ASSIGN(FittedTransform fitted, FitLayers(family));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    Rung rung;
    rung.family = family;
    rung.fitted = std::move(fitted);
    rung.mapped = Matrix(pairs_.held_out_z.rows(), pairs_.held_out_z.cols());
    AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(rung.fitted.layers));
    AUGSTORE_TRY(NewOneDnnEngine()->Apply(network, pairs_.held_out_z.view(), rung.mapped.view()));
    rung.errors =
        SquaredDistances(std::as_const(rung.mapped).view(), pairs_.held_out_target.view());
    rung.entry = MeasureCard("held-out", pairs_.held_out_z.view(), pairs_.held_out_target.view(),
                             std::as_const(rung.mapped).view());
    rung.summary = {std::string(family),      rung.entry.explained,
                    rung.entry.explained_low, rung.entry.explained_high,
                    rung.entry.mse,           rung.fitted.layers.MultiplyAdds(),
                    elapsed.count(),          rung.fitted.notes};
    return rung;
  }

 private:
  Result<FittedTransform> FitLayers(std::string_view family) {
    if (ClosedForms::Has(family)) return closed_forms_.Fit(family);
    TransformTrainOptions options = options_;
    options.family = family;
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

// Every family, cheapest first: closed forms one after another, then the others side by side, each
// on its share of the threads. Families do not wait for each other at every product as threads of
// one family would, which costs most on a machine that has other work.
class Climber {
 public:
  Climber(Fitter& fitter, const TransformProgressCallback& progress)
      : fitter_(fitter), progress_(progress), outcomes_(TransformFamilies().size()) {}

  // Those families that could be fitted, or were done when the caller stopped it.
  Result<std::vector<Rung>> Run(std::string* left_out) {
    const size_t closed = ClosedForms::Count();
    for (size_t i = 0; i < closed; ++i) Try(i);
    const size_t others = outcomes_.size() - closed;
    const auto cores = static_cast<int>(std::thread::hardware_concurrency());
    const int share = std::max(1, ComputeThreads() / static_cast<int>(others));
    WorkerPool pool(std::clamp(cores, 1, static_cast<int>(others)));
    pool.Run(others, [&](size_t part, size_t) {
      SetComputeThreads(share);
      Try(closed + part);
      SetComputeThreads(1);
    });
    return Collect(left_out);
  }

 private:
  void Try(size_t i) {
    if (stopped_) return;
    outcomes_[i] = fitter_.Fit(TransformFamilies()[i]);
    if (!outcomes_[i]->ok()) return;
    const CardRung& summary = (*outcomes_[i])->summary;
    const TransformProgress done{summary.family, 0, 0, summary.mse, summary.explained, &summary};
    if (!progress_(done)) stopped_ = true;
  }

  Result<std::vector<Rung>> Collect(std::string* left_out) {
    std::vector<Rung> rungs;
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      std::optional<Result<Rung>>& outcome = outcomes_[i];
      if (!outcome) continue;
      if (!outcome->ok() && outcome->status().code() == Code::kInvalidArgument) {
        *left_out += fmt::format("{}left out {}: {}", left_out->empty() ? "" : "; ",
                                 TransformFamilies()[i], outcome->status().message());
        continue;
      }
      AUGSTORE_TRY(outcome->status());
      rungs.push_back(std::move(**outcome));
    }
    return rungs;
  }

  Fitter& fitter_;
  const TransformProgressCallback& progress_;
  std::vector<std::optional<Result<Rung>>> outcomes_;
  std::atomic<bool> stopped_ = false;
};

size_t Choose(const std::vector<Rung>& rungs, const std::vector<double>& baselines, uint64_t seed) {
  std::vector<Contender> contenders;
  for (const Rung& rung : rungs) {
    contenders.push_back({rung.family, rung.summary.multiply_adds, rung.errors});
  }
  return ChooseContender(contenders, baselines, seed);
}

}  // namespace

Result<TrainedTransform> TrainTransform(ConstMatrixView z, ConstMatrixView z_target,
                                        const TransformTrainOptions& options,
                                        const TransformProgressCallback& progress) {
  AUGSTORE_CHECK(z.rows == z_target.rows && z.cols == z_target.cols);
  AUGSTORE_TRY(CheckOptions(options));
  AUGSTORE_TRY(CheckPairs(z, "z"));
  AUGSTORE_TRY(CheckPairs(z_target, "z'"));
  if (options.views == 0 || z.rows % options.views != 0 || z.rows / options.views < kMinPairs) {
    return InvalidArgument("{} pairs cannot be {} views each of at least {} images", z.rows,
                           options.views, kMinPairs);
  }
  const auto start = std::chrono::steady_clock::now();
  const TransformPairs pairs = Split(z, z_target, options);
  std::mutex asking;
  bool stopped = false;
  const TransformProgressCallback ask = [&](const TransformProgress& state) {
    const std::lock_guard<std::mutex> lock(asking);
    stopped = stopped || (progress && !progress(state));
    return !stopped;
  };
  Fitter fitter(pairs, options, ask);
  TrainedTransform trained;
  std::vector<Rung> rungs;
  std::string left_out;
  if (options.family == kAuto) {
    AUGSTORE_ASSIGN(rungs, Climber(fitter, ask).Run(&left_out));
    for (const Rung& rung : rungs) trained.card.ladder.push_back(rung.summary);
  } else {
    AUGSTORE_ASSIGN(Rung rung, fitter.Fit(options.family));
    rungs.push_back(std::move(rung));
  }
  Rung& chosen = rungs[Choose(rungs, fitter.baselines(), options.seed)];
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
  trained.weights.residuals =
      KeepResiduals(pairs.held_out_target.view(), mapped, options.residuals);
  return trained;
}

}  // namespace augstore
