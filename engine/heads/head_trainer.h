// Trains classifier heads Ψ on batches: one or many at once from one pass over the data. All heads
// have one architecture; each has its own learning rate, weight decay and seed. Runs on tile
// kernels (head_network.h), without Torch.
#ifndef AUGSTORE_ENGINE_HEADS_HEAD_TRAINER_H_
#define AUGSTORE_ENGINE_HEADS_HEAD_TRAINER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Hidden layer widths: {} for "linear", {1024, 128} for "mlp(1024,128)". Errors of Parse:
// kInvalidArgument.
Result<std::vector<uint32_t>> ParseArch(std::string_view text);

struct HeadConfig {
  double learning_rate = 1e-3;
  double weight_decay = 1e-4;
  uint64_t seed = 0;  // of the initial weights
};

struct HeadTrainerOptions {
  std::string arch = "mlp(1024,128)";
  std::string optimizer = "adamw";  // or "sgd" (momentum 0.9)
  uint32_t dim = 0;
  uint32_t classes = 0;
  uint64_t total_steps = 0;  // for the cosine learning-rate schedule; 0: constant
  std::vector<HeadConfig> heads;
  // Weights to start from instead of random ones (the seeds then decide nothing): none, or one for
  // each head, with the shapes of the architecture.
  std::vector<Layers> initial = {};
};

struct HeadMetrics {
  double loss = 0;      // mean cross-entropy
  double accuracy = 0;  // 0 .. 1
  uint64_t samples = 0;
};

// Thread safety: none; runs on ComputeThreads() threads, as the caller of Create had it.
// Deterministic: the same options and batches give the same weights, bit for bit, on one machine,
// whatever the number of threads; and head h of many is bit for bit the head that is trained alone.
class HeadTrainer {
 public:
  // Errors: kInvalidArgument (arch, optimizer, sizes, no heads, initial weights of other shapes).
  static Result<std::unique_ptr<HeadTrainer>> Create(const HeadTrainerOptions& options);
  virtual ~HeadTrainer() = default;

  // One optimiser step of every head. Samples with label -1 are left out. Errors: kInvalidArgument
  // (columns; a label >= classes), and a loss that is not finite, naming the head.
  virtual Status Step(ConstMatrixView embeddings, std::span<const int32_t> labels) = 0;
  // Mean training loss of each head since the last call, and resets it.
  virtual std::vector<double> TakeTrainLoss() = 0;
  // Each head's metrics on the embeddings that have a label.
  virtual Result<std::vector<HeadMetrics>> Evaluate(ConstMatrixView embeddings,
                                                    std::span<const int32_t> labels) = 0;
  // The weights of head `h` as they are now.
  virtual Layers Export(size_t h) const = 0;
  virtual size_t size() const = 0;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_HEAD_TRAINER_H_
