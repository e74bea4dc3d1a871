#include "tools/head/head_runs.h"

#include <algorithm>
#include <cmath>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

constexpr size_t kMaxHeads = 1024;  // of one pass

class StreamSourceImpl : public BatchSource {
 public:
  StreamSourceImpl(std::unique_ptr<BatchStream> stream, BatchMap map)
      : stream_(std::move(stream)), map_(std::move(map)) {}
  uint64_t steps_per_epoch() const override { return stream_->info().steps; }
  uint64_t samples_per_epoch() const override { return stream_->info().samples; }
  void Seek(uint64_t epoch) override { stream_->Seek(epoch, 0); }
  Result<std::optional<Batch>> Next() override {
    AUGSTORE_ASSIGN(std::optional<Batch> batch, stream_->Next());
    if (!batch.has_value() || !map_) return batch;
    AUGSTORE_ASSIGN(Batch mapped, map_(*std::move(batch)));
    return std::optional<Batch>(std::move(mapped));
  }

 private:
  std::unique_ptr<BatchStream> stream_;
  BatchMap map_;
};

bool HasLabel(std::span<const int32_t> labels) {
  return std::ranges::any_of(labels, [](int32_t label) { return label >= 0; });
}

// [head][test set]
Result<std::vector<std::vector<HeadMetrics>>> RunTests(HeadTrainer& trainer,
                                                       const std::vector<TestSet>& tests) {
  std::vector<std::vector<HeadMetrics>> metrics(trainer.size());
  for (const TestSet& test : tests) {
    AUGSTORE_ASSIGN(const std::vector<HeadMetrics> of_test,
                    trainer.Evaluate(test.embeddings.view(), test.labels));
    for (size_t h = 0; h < metrics.size(); ++h) metrics[h].push_back(of_test[h]);
  }
  return metrics;
}

Status CheckTests(const std::vector<TestSet>& tests) {
  for (const TestSet& test : tests) {
    if (HasLabel(test.labels)) continue;
    return FailedPrecondition(
        "none of the {} samples of '{}' has a label to test with: name another split, or ingest it "
        "with labels",
        test.labels.size(), test.name);
  }
  return OkStatus();
}

// One run of TrainHeads: what its epochs share.
class Run {
 public:
  Run(BatchSource& source, const std::vector<TestSet>& tests, const HeadRunsOptions& options,
      const std::function<void(const CurvePoint&)>& on_point, HeadTrainer& trainer)
      : source_(source),
        tests_(tests),
        options_(options),
        on_point_(on_point),
        trainer_(trainer),
        progress_(options.label, "samples", source.samples_per_epoch() * options.epochs,
                  options.show_progress) {}

  Status Epoch(uint32_t epoch) {
    const Stopwatch clock;
    source_.Seek(epoch);
    while (true) {
      AUGSTORE_ASSIGN(const std::optional<Batch> batch, source_.Next());
      if (!batch.has_value()) break;
      AUGSTORE_TRY(trainer_.Step(batch->embeddings, batch->labels));
      report_.samples += batch->size();
      labelled_ = labelled_ || HasLabel(batch->labels);
      progress_.Update(report_.samples, note_);
      if (Interrupted()) {
        return InterruptedStatus(fmt::format("training stopped in epoch {} of {}; no head was kept",
                                             epoch + 1, options_.epochs));
      }
    }
    report_.train_loss = trainer_.TakeTrainLoss();
    report_.seconds += clock.seconds();
    if (!labelled_) {
      return FailedPrecondition(
          "none of the {} samples has a label in this label column: choose a split or a column "
          "that has labels, or ingest the images with labels",
          report_.samples);
    }
    return Record(epoch + 1);
  }

  Result<HeadRunsReport> Finish() {
    for (size_t h = 0; h < trainer_.size(); ++h) report_.heads.push_back(trainer_.Export(h));
    return std::move(report_);
  }

 private:
  bool TestIsDue(uint32_t epochs_done) const {
    if (epochs_done == options_.epochs) return true;
    return options_.test_every > 0 && epochs_done % options_.test_every == 0;
  }

  Status Record(uint32_t epochs_done) {
    std::vector<std::vector<HeadMetrics>> tests(trainer_.size());
    if (TestIsDue(epochs_done)) {
      AUGSTORE_ASSIGN(tests, RunTests(trainer_, tests_));
    }
    note_ = fmt::format("epoch {}/{}, loss {:.4f}", epochs_done, options_.epochs,
                        *std::min_element(report_.train_loss.begin(), report_.train_loss.end()));
    progress_.Update(report_.samples, note_);
    for (size_t h = 0; h < tests.size(); ++h) {
      report_.curve.push_back({.epoch = epochs_done,
                               .head = h,
                               .train_loss = report_.train_loss[h],
                               .tests = tests[h],
                               .seconds = report_.seconds});
      if (on_point_) on_point_(report_.curve.back());
    }
    if (epochs_done == options_.epochs) report_.tests = std::move(tests);
    return OkStatus();
  }

  BatchSource& source_;
  const std::vector<TestSet>& tests_;
  const HeadRunsOptions& options_;
  const std::function<void(const CurvePoint&)>& on_point_;
  HeadTrainer& trainer_;
  HeadRunsReport report_;
  Progress progress_;
  std::string note_;
  bool labelled_ = false;
};

}  // namespace

Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads) {
  std::vector<HeadConfig> grid;
  for (const double rate : learning_rates) {
    if (!(rate > 0) || !std::isfinite(rate))
      return InvalidArgument("--lr {} is not a positive number", rate);
    for (const double decay : weight_decays) {
      if (!(decay >= 0) || !std::isfinite(decay))
        return InvalidArgument("--weight-decay {} is negative", decay);
      for (const uint64_t seed : seeds) grid.push_back({rate, decay, seed});
    }
  }
  const size_t count = heads == 0 ? grid.size() : heads;
  if (grid.size() == 1) {
    for (uint64_t h = 1; h < std::min(count, kMaxHeads); ++h) {
      grid.push_back({grid[0].learning_rate, grid[0].weight_decay, grid[0].seed + h});
    }
  }
  if (count > kMaxHeads || grid.size() > kMaxHeads) {
    return InvalidArgument("{} heads in one pass are more than {}: train them in several runs",
                           std::max(count, grid.size()), kMaxHeads);
  }
  if (grid.size() != count) {
    return InvalidArgument(
        "--heads {} and the grid of {} x {} x {} = {} combinations of --lr, --weight-decay and "
        "--seed do not agree: "
        "leave --heads out, or give as many combinations",
        heads, learning_rates.size(), weight_decays.size(), seeds.size(), grid.size());
  }
  return grid;
}

std::unique_ptr<BatchSource> StreamSource(std::unique_ptr<BatchStream> stream, BatchMap map) {
  return std::make_unique<StreamSourceImpl>(std::move(stream), std::move(map));
}

Result<HeadRunsReport> TrainHeads(BatchSource& source, const std::vector<TestSet>& tests,
                                  const HeadRunsOptions& options,
                                  const std::function<void(const CurvePoint&)>& on_point) {
  if (options.epochs == 0) return InvalidArgument("0 epochs train nothing: ask for at least 1");
  if (source.steps_per_epoch() == 0) {
    return InvalidArgument("there is no batch to train on: the stream has no samples");
  }
  AUGSTORE_TRY(CheckTests(tests));
  HeadTrainerOptions trainer_options = options.trainer;
  trainer_options.total_steps = source.steps_per_epoch() * options.epochs;
  AUGSTORE_ASSIGN(const std::unique_ptr<HeadTrainer> trainer, HeadTrainer::Create(trainer_options));
  Run run(source, tests, options, on_point, *trainer);
  for (uint32_t epoch = 0; epoch < options.epochs; ++epoch) AUGSTORE_TRY(run.Epoch(epoch));
  return run.Finish();
}

Result<std::vector<std::vector<HeadMetrics>>> TestHeads(const std::vector<Layers>& heads,
                                                        const std::string& arch,
                                                        const std::vector<TestSet>& tests) {
  AUGSTORE_TRY(CheckTests(tests));
  HeadTrainerOptions options{.arch = arch, .heads = {}, .initial = heads};
  options.heads.resize(heads.size());
  if (!heads.empty()) {
    options.dim = heads[0].dim_in();
    options.classes = heads[0].dim_out();
  }
  AUGSTORE_ASSIGN(const std::unique_ptr<HeadTrainer> trainer, HeadTrainer::Create(options));
  return RunTests(*trainer, tests);
}

}  // namespace augstore
