#include "engine/fitting/epoch_loop.h"

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "engine/math/bootstrap.h"

namespace augstore {
namespace {

// Mean over held-out pairs and dimensions of (z - z')².
double IdentityError(const TransformPairs& pairs) {
  const std::vector<double> moved =
      SquaredDistances(pairs.held_out_z.view(), pairs.held_out_target.view());
  return std::accumulate(moved.begin(), moved.end(), 0.0) /
         static_cast<double>(moved.size() * pairs.held_out_z.cols());
}

}  // namespace

Result<FittedTransform> TrainEpochs(EpochTrainer& trainer, EpochPlan plan,
                                    const TransformPairs& pairs,
                                    const TransformProgressCallback& progress) {
  const double identity_error = IdentityError(pairs);
  FittedTransform best;
  std::optional<double> best_error;
  uint32_t best_epoch = 0;
  if (plan.start) {
    best = std::move(*plan.start);
    best_error = plan.start_error;
  }
  uint32_t epoch = plan.judge_start ? 0 : trainer.Advance(0);
  while (true) {
    AUGSTORE_ASSIGN(const double error, trainer.HeldOutError());
    if (!std::isfinite(error)) {
      return InvalidArgument(
          "training of '{}' diverged in epoch {} with learning rate {}: give a smaller one",
          plan.family, epoch, plan.learning_rate);
    }
    if (!best_error || error < *best_error) {
      best = trainer.Export();
      best_error = error;
      best_epoch = epoch;
    }
    const TransformProgress state{plan.family, epoch, plan.max_epochs, error,
                                  identity_error > 0 ? 1 - error / identity_error : 0};
    if (progress && !progress(state)) break;
    if (epoch >= plan.max_epochs || (epoch > 0 && epoch - best_epoch >= plan.patience)) break;
    epoch = trainer.Advance(epoch);
  }
  best.notes =
      fmt::format("epochs={} learning_rate={} {}", best_epoch, plan.learning_rate, best.notes);
  return best;
}

}  // namespace augstore
