// Training heads from any source of batches, with tests after each epoch: what `head train` and
// `compare` share.
#ifndef AUGSTORE_TOOLS_HEAD_HEAD_RUNS_H_
#define AUGSTORE_TOOLS_HEAD_HEAD_RUNS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "engine/heads/head_trainer.h"
#include "schemas/wire/batch.h"
#include "tools/collection/test_set.h"

namespace augstore {

// The heads that comma lists ask for: every combination, learning rates outermost, seeds innermost.
// `heads` 0: as many as there are combinations; else one combination is repeated with seeds seed ..
// seed + heads - 1. Errors: kInvalidArgument (a value out of range; a grid of another size than
// `heads`, naming both; more than 1024 heads).
Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads);

// Where training batches come from: a stream of the database, or Φ on augmented pixels.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual uint64_t steps_per_epoch() const = 0;
  virtual uint64_t samples_per_epoch() const = 0;
  virtual void Seek(uint64_t epoch) = 0;
  // The next batch of the epoch; nothing at its end.
  virtual Result<std::optional<Batch>> Next() = 0;
};
// What becomes of a batch before heads see it. What it points to must stay until the next one.
using BatchMap = std::function<Result<Batch>(Batch)>;
// The batches of a stream, each as `map` (may be empty) returns it.
std::unique_ptr<BatchSource> StreamSource(std::unique_ptr<BatchStream> stream,
                                          BatchMap map = nullptr);

struct HeadRunsOptions {
  HeadTrainerOptions trainer;  // total_steps is filled in
  uint32_t epochs = 30;
  uint32_t test_every =
      1;  // epochs between tests; the last epoch is always tested; 0: only the last
  bool show_progress = false;
  std::string label;  // of the progress line
};

struct CurvePoint {
  uint32_t epoch = 0;  // 1: after the first
  size_t head = 0;
  double train_loss = 0;
  std::vector<HeadMetrics> tests;  // of each test set; empty when this epoch was not tested
  double seconds = 0;  // training and waiting for batches since the start, without tests
};

struct HeadRunsReport {
  std::vector<Layers> heads;
  std::vector<CurvePoint> curve;                // by epoch, then head
  std::vector<std::vector<HeadMetrics>> tests;  // [head][test set] after the last epoch
  std::vector<double> train_loss;               // of each head, last epoch
  uint64_t samples = 0;                         // rows consumed
  double seconds = 0;                           // training and waiting for batches, without tests
};

// Trains all heads from one pass per epoch over `source`. `on_point` (may be empty) is called for
// each curve point as it is made. Errors: kUnavailable "interrupted" after Ctrl-C,
// kFailedPrecondition (no sample of the source, or of a test set, has a label), kInvalidArgument
// (no epochs, no batches), those of the source and of HeadTrainer.
Result<HeadRunsReport> TrainHeads(BatchSource& source, const std::vector<TestSet>& tests,
                                  const HeadRunsOptions& options,
                                  const std::function<void(const CurvePoint&)>& on_point);

// Metrics of finished heads of one architecture, [head][test set]. Errors: kFailedPrecondition (no
// sample of a test set has a label), those of HeadTrainer.
Result<std::vector<std::vector<HeadMetrics>>> TestHeads(const std::vector<Layers>& heads,
                                                        const std::string& arch,
                                                        const std::vector<TestSet>& tests);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_HEAD_RUNS_H_
