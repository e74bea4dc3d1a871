#include "tools/head/head_runs.h"

#include <algorithm>
#include <chrono>

#include "tools/cli/command.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

using Clock = std::chrono::steady_clock;

// Rows of one call of Evaluate: what keeps the activations of many wide heads within some hundred
// MiB.
constexpr size_t kTestRows = 1024;

class StreamSourceImpl : public BatchSource {
 public:
  explicit StreamSourceImpl(std::unique_ptr<BatchStream> stream) : stream_(std::move(stream)) {}
  uint64_t steps_per_epoch() const override { return stream_->info().steps; }
  uint64_t samples_per_epoch() const override { return stream_->info().samples; }
  void Seek(uint64_t epoch) override { stream_->Seek(epoch, 0); }
  Result<std::optional<Batch>> Next() override { return stream_->Next(); }

 private:
  std::unique_ptr<BatchStream> stream_;
};

bool HasLabel(std::span<const int32_t> labels) {
  return std::ranges::any_of(labels, [](int32_t label) { return label >= 0; });
}

// Rows [begin, begin + count) of a test set, without those that have no label.
struct TestPart {
  Matrix embeddings;
  std::vector<int32_t> labels;
};

TestPart LabelledPart(const TestSet& test, size_t begin, size_t count) {
  TestPart part;
  const auto labels = std::span(test.labels).subspan(begin, count);
  const auto labelled =
      static_cast<size_t>(std::ranges::count_if(labels, [](int32_t label) { return label >= 0; }));
  part.embeddings = Matrix(labelled, test.embeddings.cols());
  for (size_t i = 0; i < count; ++i) {
    if (labels[i] < 0) continue;
    const auto row = test.embeddings.row(begin + i);
    std::ranges::copy(row, part.embeddings.row(part.labels.size()).begin());
    part.labels.push_back(labels[i]);
  }
  return part;
}

Result<std::vector<HeadMetrics>> RunTest(HeadTrainer& trainer, const TestSet& test) {
  std::vector<HeadMetrics> sums(trainer.size());
  for (size_t begin = 0; begin < test.labels.size(); begin += kTestRows) {
    const TestPart part =
        LabelledPart(test, begin, std::min(kTestRows, test.labels.size() - begin));
    if (part.labels.empty()) continue;
    AUGSTORE_ASSIGN(const std::vector<HeadMetrics> metrics,
                    trainer.Evaluate(part.embeddings.view(), part.labels));
    const auto samples = static_cast<double>(part.labels.size());
    for (size_t h = 0; h < sums.size(); ++h) {
      sums[h].loss += metrics[h].loss * samples;
      sums[h].accuracy += metrics[h].accuracy * samples;
      sums[h].samples += part.labels.size();
    }
  }
  for (HeadMetrics& sum : sums) {
    if (sum.samples == 0) continue;
    sum.loss /= static_cast<double>(sum.samples);
    sum.accuracy /= static_cast<double>(sum.samples);
  }
  return sums;
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
                  options.show_progress) {
    report_.tests.resize(trainer.size());
  }

  Status Epoch(uint32_t epoch) {
    const Clock::time_point start = Clock::now();
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
    report_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
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
    std::vector<CurvePoint> points(trainer_.size());
    for (size_t h = 0; h < points.size(); ++h) {
      points[h].epoch = epochs_done;
      points[h].head = h;
      points[h].train_loss = report_.train_loss[h];
      points[h].seconds = report_.seconds;
    }
    if (TestIsDue(epochs_done)) {
      for (const TestSet& test : tests_) {
        AUGSTORE_ASSIGN(const std::vector<HeadMetrics> metrics, RunTest(trainer_, test));
        for (size_t h = 0; h < points.size(); ++h) points[h].tests.push_back(metrics[h]);
      }
    }
    note_ = fmt::format("epoch {}/{}, loss {:.4f}", epochs_done, options_.epochs,
                        *std::min_element(report_.train_loss.begin(), report_.train_loss.end()));
    progress_.Update(report_.samples, note_);
    for (CurvePoint& point : points) {
      if (epochs_done == options_.epochs) report_.tests[point.head] = point.tests;
      if (on_point_) on_point_(point);
      report_.curve.push_back(std::move(point));
    }
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

std::unique_ptr<BatchSource> StreamSource(std::unique_ptr<BatchStream> stream) {
  return std::make_unique<StreamSourceImpl>(std::move(stream));
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
  std::vector<std::vector<HeadMetrics>> metrics(heads.size());
  for (const TestSet& test : tests) {
    AUGSTORE_ASSIGN(const std::vector<HeadMetrics> of_test, RunTest(*trainer, test));
    for (size_t h = 0; h < heads.size(); ++h) metrics[h].push_back(of_test[h]);
  }
  return metrics;
}

}  // namespace augstore
