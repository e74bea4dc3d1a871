#include "tools/paper/paper_runs.h"

#include <algorithm>

#include "engine/fitting/families.h"
#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"
#include "tools/head/head_runs.h"

namespace augstore {
namespace {

struct Subset {
  std::string collection;     // ref, in the trials
  std::vector<size_t> items;  // item numbers by sample id
};

// Commits the `per_class` images of each class that `seed` chooses to the trials.
Result<Subset> MakeSubset(const PaperFlags& flags, Trials& trials, const PaperData& data,
                          uint32_t per_class, uint64_t seed) {
  Subset subset;
  subset.items = ChoosePerClass(data.items, per_class, seed, 3);
  std::vector<SampleToWrite> samples;
  std::vector<RowId> rows;
  for (const size_t i : subset.items) {
    samples.push_back({data.items[i].key, {}, data.items[i].label, "train"});
    rows.push_back(data.rows[i]);
  }
  const bool feature_maps = std::ranges::any_of(flags.families, FamilyReadsFeatureMaps);
  AUGSTORE_ASSIGN(subset.collection,
                  CopyCollection(trials, fmt::format("train-{}-{}", per_class, seed), data.classes,
                                 std::move(samples), rows, feature_maps));
  return subset;
}

uint64_t Below(uint64_t draw, uint64_t count) { return (draw >> 32) * count >> 32; }

// Views of the samples under drawn ops, with the draws of a stream of the policy
// identity:1,op_1:1,… `kept` 0: a new view in every epoch, as in pixel space; the stored view is
// used because Φ(op(x)) is the same whenever it is computed, up to rounding. Otherwise there are
// only the views of epochs 0 .. kept - 1, and every epoch draws one of them.
BatchMap StoredViews(const PaperData& data, const Subset& subset, uint32_t kept, uint64_t seed) {
  return [&data, &subset, kept, seed](Batch batch) -> Result<Batch> {
    const auto views = std::make_shared<Matrix>(batch.size(), batch.embeddings.cols);
    for (size_t i = 0; i < batch.size(); ++i) {
      const SampleId sample = batch.samples[i];
      uint64_t epoch = batch.epoch;
      if (kept > 0) epoch = Below(PhiloxU64(seed, RngUse::kNoise, epoch, sample), kept);
      const uint64_t op = Below(PhiloxU64(seed, RngUse::kChain, epoch, sample), data.views.size());
      std::ranges::copy(data.views[op].row(subset.items.at(sample)), views->row(i).begin());
    }
    batch.embeddings = std::as_const(*views).view();
    batch.decoded = views;
    return batch;
  };
}

PaperPoint ToPoint(const PaperFlags& flags, const CurvePoint& curve) {
  PaperPoint point;
  point.learning_rate = flags.learning_rates[curve.head];
  point.epoch = curve.epoch;
  point.validation_plain = curve.tests[0].accuracy;
  point.test_plain = curve.tests[1].accuracy;
  const auto ops = static_cast<double>(flags.ops.size());
  for (size_t op = 1; op <= flags.ops.size(); ++op) {
    point.validation_shifted += curve.tests[2 * op].accuracy / ops;
    point.test_shifted += curve.tests[2 * op + 1].accuracy / ops;
  }
  return point;
}

Result<PaperCell> RunCell(const PaperFlags& flags, Trials& trials, const PaperData& data,
                          const PaperRow& row, const Subset& subset, PaperCell cell) {
  AUGSTORE_ASSIGN(
      std::unique_ptr<BatchStream> stream,
      trials.client().OpenStream({.collection = subset.collection,
                                  .split = "train",
                                  .policy = row.policy.empty() ? "identity" : row.policy,
                                  .seed = cell.seed,
                                  .batch_size = flags.batch_size}));
  const std::unique_ptr<BatchSource> source =
      StreamSource(std::move(stream),
                   row.policy.empty() ? StoredViews(data, subset, row.views, cell.seed) : nullptr);
  HeadRunsOptions options;
  options.trainer.arch = flags.arch;
  options.trainer.dim = trials.space().dim;
  options.trainer.classes = static_cast<uint32_t>(data.classes.size());
  for (const double rate : flags.learning_rates) {
    options.trainer.heads.push_back({rate, flags.weight_decay, cell.seed});
  }
  const auto steps = static_cast<uint32_t>(source->steps_per_epoch());
  options.epochs = std::max(flags.checkpoints, (flags.steps + steps - 1) / steps);
  options.test_every = std::max(1u, options.epochs / flags.checkpoints);
  options.label = fmt::format("{}, {} per class, seed {}", row.name, cell.per_class, cell.seed);
  options.show_progress = trials.show_progress;
  AUGSTORE_ASSIGN(const HeadRunsReport report, TrainHeads(*source, data.tests, options, nullptr));
  cell.epochs = options.epochs;
  cell.samples = report.samples;
  cell.seconds = report.seconds;
  for (const CurvePoint& point : report.curve) {
    if (!point.tests.empty()) cell.points.push_back(ToPoint(flags, point));
  }
  return cell;
}

}  // namespace

Status RunPaper(const PaperFlags& flags, Trials& trials, const PaperData& data,
                const std::vector<PaperRow>& rows, PaperCells* cells,
                const std::function<Status(const PaperCell&)>& done) {
  Progress progress("experiment", "cells", flags.per_class.size() * flags.seeds * rows.size(),
                    trials.show_progress);
  uint64_t finished = 0;
  for (const uint32_t per_class : flags.per_class) {
    for (uint64_t seed = 0; seed < flags.seeds; ++seed) {
      AUGSTORE_ASSIGN(const Subset subset, MakeSubset(flags, trials, data, per_class, seed));
      for (const PaperRow& row : rows) {
        progress.Update(finished++, row.name);
        const auto is_this = [&](const PaperCell& cell) {
          return cell.row == row.name && cell.per_class == per_class && cell.seed == seed;
        };
        if (std::ranges::any_of(*cells, is_this)) continue;
        PaperCell cell;
        cell.row = row.name;
        cell.per_class = per_class;
        cell.seed = seed;
        AUGSTORE_ASSIGN(cell, RunCell(flags, trials, data, row, subset, std::move(cell)));
        AUGSTORE_TRY(done(cell));
        cells->push_back(std::move(cell));
      }
    }
  }
  return OkStatus();
}

}  // namespace augstore
