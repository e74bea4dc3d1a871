// The loop of every family that is trained by gradient descent: epochs until the held-out error no
// longer falls.
#ifndef AUGSTORE_ENGINE_FITTING_EPOCH_LOOP_H_
#define AUGSTORE_ENGINE_FITTING_EPOCH_LOOP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "engine/fitting/fit_options.h"
#include "engine/fitting/pairs.h"

namespace augstore {

// What the loop drives.
class EpochTrainer {
 public:
  virtual ~EpochTrainer() = default;
  // Trains on after `epoch` epochs. Returns the number of epochs that are done then, which is
  // greater.
  virtual uint32_t Advance(uint32_t epoch) = 0;
  // The mean squared error over held-out pairs and dimensions; not finite: training diverged.
  virtual Result<double> HeldOutError() = 0;
  // The transform as it is now; `notes` are its own hyperparameters.
  virtual FittedTransform Export() const = 0;
};

struct EpochPlan {
  std::string family;
  double learning_rate = 0;
  uint32_t max_epochs = 0;
  uint32_t patience = 0;    // epochs without improvement before stopping
  bool judge_start = true;  // whether the initial weights count as epoch 0
  // A transform to improve on, with its held-out error; counts as epoch 0 as well.
  std::optional<FittedTransform> start;
  double start_error = 0;
};

// Returns the transform of the best epoch, with "epochs=<best> learning_rate=<rate>" before its
// notes. Calls `progress` (may be empty) after each Advance; false ends training with the best so
// far. Errors: kInvalidArgument (diverged, with the learning rate), those of the trainer.
Result<FittedTransform> TrainEpochs(EpochTrainer& trainer, EpochPlan plan,
                                    const TransformPairs& pairs,
                                    const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_EPOCH_LOOP_H_
