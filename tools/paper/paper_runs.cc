#include "tools/paper/paper_runs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/math/counter_rng.h"
#include "tools/cli/progress.h"
#include "tools/head/head_runs.h"

namespace augstore {
namespace {

// Views of the samples under drawn ops, with the draws of a stream of the policy
// identity:1,op_1:1,… `kept` 0: a new view in every epoch, as in pixel space; the stored view is
// used because Φ(op(x)) has the same bits whenever it is computed. Otherwise there are only the
// views of epochs 0 .. kept - 1, and every epoch draws one of them.
class ViewSource : public BatchSource {
 public:
  ViewSource(std::unique_ptr<BatchStream> stream, const PaperData* data,
             const std::vector<size_t>* items, uint32_t kept)
      : stream_(std::move(stream)), data_(data), items_(items), kept_(kept) {}

  uint64_t steps_per_epoch() const override { return stream_->info().steps; }
  uint64_t samples_per_epoch() const override { return stream_->info().samples; }
  void Seek(uint64_t epoch) override {
    epoch_ = epoch;
    stream_->Seek(epoch, 0);
  }

  Result<std::optional<Batch>> Next() override {
    AUGSTORE_ASSIGN(std::optional<Batch> drawn, stream_->Next());
    if (!drawn.has_value()) return drawn;
    auto views = std::make_shared<Matrix>(drawn->size(), drawn->embeddings.cols);
    const uint64_t seed = stream_->info().spec.seed;
    for (size_t i = 0; i < drawn->size(); ++i) {
      const SampleId sample = drawn->samples[i];
      uint64_t epoch = epoch_;
      if (kept_ > 0) epoch = Below(PhiloxU64(seed, RngUse::kNoise, epoch_, sample), kept_);
      const uint64_t op =
          Below(PhiloxU64(seed, RngUse::kChain, epoch, sample), data_->views.size());
      std::ranges::copy(data_->views[op].row(items_->at(sample)), views->row(i).begin());
    }
    Batch batch = *drawn;
    batch.embeddings = std::as_const(*views).view();
    batch.memory.owner =
        std::make_shared<std::pair<SharedBytes, std::shared_ptr<Matrix>>>(drawn->memory, views);
    return std::optional<Batch>(std::move(batch));
  }

 private:
  static uint64_t Below(uint64_t draw, uint64_t count) { return (draw >> 32) * count >> 32; }

  std::unique_ptr<BatchStream> stream_;
  const PaperData* data_;
  const std::vector<size_t>* items_;
  uint32_t kept_;
  uint64_t epoch_ = 0;
};

Result<std::unique_ptr<BatchSource>> OpenSource(const PaperFlags& flags, Trials& trials,
                                                const PaperData& data, const PaperRow& row,
                                                const PaperSubset& subset, uint64_t seed) {
  StreamSpec spec{.collection = subset.collection,
                  .split = "train",
                  .policy = row.source == PaperSource::kStream ? row.policy : "identity",
                  .label_column = ""};
  spec.seed = seed;
  spec.batch_size = flags.batch_size;
  AUGSTORE_ASSIGN(std::unique_ptr<BatchStream> stream, trials.client().OpenStream(spec));
  if (row.source == PaperSource::kStream) return StreamSource(std::move(stream));
  return std::unique_ptr<BatchSource>(
      std::make_unique<ViewSource>(std::move(stream), &data, &subset.items, row.views));
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

Result<PaperCell> RunCell(const PaperFlags& flags, Trials& trials, const LazyBackbone& backbone,
                          const PaperData& data, const PaperRow& row, const PaperSubset& subset,
                          PaperCell cell) {
  AUGSTORE_ASSIGN(const std::unique_ptr<BatchSource> source,
                  OpenSource(flags, trials, data, row, subset, cell.seed));
  HeadRunsOptions options;
  options.trainer.arch = flags.arch;
  options.trainer.dim = backbone.record().dim;
  options.trainer.classes = static_cast<uint32_t>(data.classes.size());
  for (const double rate : flags.learning_rates) {
    options.trainer.heads.push_back({rate, flags.weight_decay, cell.seed});
  }
  const auto steps = static_cast<uint32_t>(source->steps_per_epoch());
  options.epochs = std::max(flags.checkpoints, (flags.steps + steps - 1) / steps);
  options.test_every = std::max(1u, options.epochs / flags.checkpoints);
  options.label = fmt::format("{}, {} per class, seed {}", row.name, cell.per_class, cell.seed);
  options.show_progress = !flags.common.quiet;
  AUGSTORE_ASSIGN(const HeadRunsReport report, TrainHeads(*source, data.tests, options, nullptr));
  cell.epochs = options.epochs;
  cell.samples = report.samples;
  cell.seconds = report.seconds;
  for (const CurvePoint& point : report.curve) {
    if (!point.tests.empty()) cell.points.push_back(ToPoint(flags, point));
  }
  return cell;
}

bool Has(const PaperCells& cells, const std::string& row, uint32_t per_class, uint64_t seed) {
  return std::ranges::any_of(cells, [&](const PaperCell& cell) {
    return cell.row == row && cell.per_class == per_class && cell.seed == seed;
  });
}

}  // namespace

Status RunPaper(const PaperFlags& flags, Database& database, Trials& trials,
                const LazyBackbone& backbone, const PaperData& data,
                const std::vector<PaperRow>& rows, PaperCells* cells,
                const std::function<Status(const PaperCell&)>& done) {
  Progress progress("experiment", "cells", flags.per_class.size() * flags.seeds * rows.size(),
                    !flags.common.quiet);
  uint64_t finished = 0;
  for (const uint32_t per_class : flags.per_class) {
    for (uint64_t seed = 0; seed < flags.seeds; ++seed) {
      AUGSTORE_ASSIGN(const PaperSubset subset,
                      MakeSubset(flags, database, trials, backbone, data, per_class, seed));
      for (const PaperRow& row : rows) {
        progress.Update(finished++, row.name);
        if (Has(*cells, row.name, per_class, seed)) continue;
        PaperCell cell;
        cell.row = row.name;
        cell.per_class = per_class;
        cell.seed = seed;
        AUGSTORE_ASSIGN(cell, RunCell(flags, trials, backbone, data, row, subset, std::move(cell)));
        AUGSTORE_TRY(done(cell));
        cells->push_back(std::move(cell));
      }
    }
  }
  return OkStatus();
}

Json ToJson(const PaperCell& cell) {
  Json points = Json::array();
  for (const PaperPoint& point : cell.points) {
    points.push_back({{"lr", point.learning_rate},
                      {"epoch", point.epoch},
                      {"validation_plain", point.validation_plain},
                      {"test_plain", point.test_plain},
                      {"validation_shifted", point.validation_shifted},
                      {"test_shifted", point.test_shifted}});
  }
  return {{"row", cell.row},
          {"per_class", cell.per_class},
          {"seed", cell.seed},
          {"epochs", cell.epochs},
          {"samples", cell.samples},
          {"seconds", cell.seconds},
          {"points", std::move(points)}};
}

Result<PaperCell> PaperCellFromJson(const Json& json) {
  try {
    PaperCell cell;
    cell.row = json.at("row").get<std::string>();
    cell.per_class = json.at("per_class").get<uint32_t>();
    cell.seed = json.at("seed").get<uint64_t>();
    cell.epochs = json.at("epochs").get<uint32_t>();
    cell.samples = json.at("samples").get<uint64_t>();
    cell.seconds = json.at("seconds").get<double>();
    for (const Json& point : json.at("points")) {
      cell.points.push_back(
          {point.at("lr").get<double>(), point.at("epoch").get<uint32_t>(),
           point.at("validation_plain").get<double>(), point.at("test_plain").get<double>(),
           point.at("validation_shifted").get<double>(), point.at("test_shifted").get<double>()});
    }
    return cell;
  } catch (const Json::exception& error) {
    return InvalidArgument("this is not a cell of an experiment: {}", error.what());
  }
}

}  // namespace augstore
