#include "tools/compare/compare_runs.h"

#include <algorithm>

#include "tools/policy/policy_candidates.h"

namespace augstore {
namespace {

class Runner {
 public:
  Runner(const CompareFlags& flags, Trials& trials, const CompareData& data,
         const std::vector<CompareTransform>& transforms)
      : flags_(flags), trials_(trials), data_(data), transforms_(transforms) {}

  Result<CompareExperiment> Run(std::vector<size_t> ops) {
    CompareExperiment experiment{.ops = std::move(ops), .rows = {}};
    if (none_.accuracy.empty()) {  // trained once: it does not depend on the ops
      AUGSTORE_ASSIGN(none_, RunRow("none", "identity", false));
    }
    experiment.rows.push_back(none_);
    for (const std::string& family : flags_.families) {
      AUGSTORE_ASSIGN(CompareRow row, RunRow(family, Policy(experiment, family), false));
      experiment.rows.push_back(std::move(row));
    }
    if (!flags_.no_pixel) {
      AUGSTORE_ASSIGN(CompareRow row,
                      RunRow("pixel", Policy(experiment, flags_.families[0]), true));
      experiment.rows.push_back(std::move(row));
    }
    return experiment;
  }

  CompareCost Cost(const CompareExperiment& experiment) const {
    CompareCost cost{.phi = trials_.space().multiply_adds, .psi = psi_};
    const auto ops = static_cast<double>(experiment.ops.size());
    for (const size_t op : experiment.ops)
      cost.omega += static_cast<double>(Find(op, flags_.families[0]).card.multiply_adds);
    cost.omega /= ops;
    // Of ops + 1 equally likely chains one is the identity, which costs nothing.
    const double omega = cost.omega * ops / (ops + 1);
    const auto samples = static_cast<double>(data_.images.size());
    const double rows = samples * flags_.epochs;
    const auto phi = static_cast<double>(cost.phi);
    const auto psi = static_cast<double>(cost.psi);
    cost.predicted = rows * (phi + psi) / (samples * phi + rows * (omega + psi));
    if (!flags_.no_pixel) {
      cost.measured =
          experiment.rows.back().seconds / (data_.ingest_seconds + experiment.rows[1].seconds);
    }
    return cost;
  }

 private:
  const CompareTransform& Find(size_t op, const std::string& family) const {
    const auto found = std::ranges::find_if(transforms_, [&](const CompareTransform& t) {
      return t.op == flags_.ops[op] && t.family == family;
    });
    AUGSTORE_CHECK(found != transforms_.end());
    return *found;
  }

  std::string Policy(const CompareExperiment& experiment, const std::string& family) const {
    std::vector<std::string> steps;
    for (const size_t op : experiment.ops) steps.push_back(Find(op, family).ref);
    return EvenPolicy(steps);
  }

  Result<std::unique_ptr<BatchSource>> OpenSource(const std::string& policy, uint64_t seed,
                                                  bool pixel) {
    AUGSTORE_ASSIGN(std::unique_ptr<BatchStream> stream,
                    trials_.client().OpenStream({.collection = data_.collection,
                                                 .split = "train",
                                                 .policy = policy,
                                                 .seed = seed,
                                                 .batch_size = flags_.batch_size}));
    if (!pixel) return StreamSource(std::move(stream));
    std::vector<std::optional<ImageOp>> ops;
    for (const std::string& chain : stream->info().chains) {
      std::optional<ImageOp>& op = ops.emplace_back();
      const auto found = std::ranges::find(transforms_, chain, &CompareTransform::ref);
      if (found == transforms_.end()) continue;  // identity
      AUGSTORE_ASSIGN(op, ImageOp::Parse(found->op));
    }
    AUGSTORE_ASSIGN(Backbone * phi, trials_.backbone->Load());
    return PixelSource(std::move(stream), phi, &data_.images, std::move(ops));
  }

  Result<CompareRow> RunRow(const std::string& mode, const std::string& policy, bool pixel) {
    CompareRow row;
    row.mode = mode;
    row.policy = policy;
    HeadRunsOptions options;
    options.trainer.arch = flags_.arch;
    options.trainer.dim = trials_.space().dim;
    options.trainer.classes = static_cast<uint32_t>(data_.classes.size());
    options.epochs = flags_.epochs;
    options.test_every = std::max(1u, flags_.epochs / 15);
    options.show_progress = trials_.show_progress;
    for (uint64_t seed = 0; seed < flags_.seeds; ++seed) {
      AUGSTORE_ASSIGN(const std::unique_ptr<BatchSource> source, OpenSource(policy, seed, pixel));
      const uint64_t phi_before = trials_.backbone->images_embedded();
      options.trainer.heads = {{flags_.learning_rate, flags_.weight_decay, seed}};
      options.label = fmt::format("heads, {}, seed {}", mode, seed);
      AUGSTORE_ASSIGN(const HeadRunsReport report,
                      TrainHeads(*source, data_.tests, options, nullptr));
      AddSeed(report, &row);
      row.phi_calls = trials_.backbone->images_embedded() - phi_before;
      // Forward, gradients of the weights, and of the inputs of all layers but the first.
      const LayerShape first = report.heads[0].layers[0].shape;
      psi_ = 3 * report.heads[0].MultiplyAdds() - uint64_t{first.in} * first.out;
    }
    row.seconds /= flags_.seeds;
    return row;
  }

  void AddSeed(const HeadRunsReport& report, CompareRow* row) const {
    std::vector<double> accuracy;
    for (const HeadMetrics& metrics : report.tests[0]) accuracy.push_back(metrics.accuracy);
    row->accuracy.push_back(accuracy);
    row->seconds += report.seconds;
    row->samples = report.samples;
    row->curve.resize(flags_.epochs);
    for (const CurvePoint& point : report.curve) {
      std::vector<double>& sums = row->curve[point.epoch - 1];
      sums.resize(point.tests.size());
      for (size_t t = 0; t < point.tests.size(); ++t)
        sums[t] += point.tests[t].accuracy / flags_.seeds;
    }
  }

  const CompareFlags& flags_;
  Trials& trials_;
  const CompareData& data_;
  const std::vector<CompareTransform>& transforms_;
  CompareRow none_;
  uint64_t psi_ = 0;
};

}  // namespace

Result<CompareResult> RunCompare(const CompareFlags& flags, Trials& trials, const CompareData& data,
                                 std::vector<CompareTransform> transforms) {
  CompareResult result;
  result.flags = flags;
  result.transforms = std::move(transforms);
  result.train_samples = data.images.size();
  result.test_samples = data.tests[0].labels.size();
  result.ingest_seconds = data.ingest_seconds;
  Runner runner(flags, trials, data, result.transforms);
  std::vector<std::vector<size_t>> experiments;
  for (size_t op = 0; op < flags.ops.size(); ++op) {
    if (flags.joint && op > 0)
      experiments[0].push_back(op);
    else
      experiments.push_back({op});
  }
  for (std::vector<size_t>& ops : experiments) {
    AUGSTORE_ASSIGN(CompareExperiment experiment, runner.Run(std::move(ops)));
    result.costs.push_back(runner.Cost(experiment));
    result.experiments.push_back(std::move(experiment));
  }
  return result;
}

std::unique_ptr<BatchSource> PixelSource(std::unique_ptr<BatchStream> stream, Backbone* phi,
                                         const std::vector<Image>* images,
                                         std::vector<std::optional<ImageOp>> ops) {
  auto augment = [phi, images, ops = std::move(ops)](Batch batch) -> Result<Batch> {
    std::vector<Image> augmented;
    for (size_t i = 0; i < batch.size(); ++i) {
      const Image& image = images->at(batch.samples[i]);
      const std::optional<ImageOp>& op = ops.at(batch.chains[i]);
      augmented.push_back(op ? op->Apply(image) : image);
    }
    const auto embeddings = std::make_shared<Matrix>(augmented.size(), phi->dim());
    AUGSTORE_TRY(phi->Embed(augmented, embeddings->view()));
    batch.embeddings = std::as_const(*embeddings).view();
    batch.decoded = embeddings;
    return batch;
  };
  return StreamSource(std::move(stream), std::move(augment));
}

}  // namespace augstore
