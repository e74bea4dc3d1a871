#include "engine/heads/head_trainer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "engine/heads/head_network.h"
#include "engine/math/compute_threads.h"
#include "engine/math/optimizer.h"
#include "engine/math/worker_pool.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr size_t kMaxHeads = 1024;
constexpr size_t kEvaluateRows = 256;  // bounds the memory that Evaluate needs

Result<uint32_t> ParseWidth(std::string_view text, std::string_view arch) {
  uint32_t width = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, width);
  if (error != std::errc() || stop != end || width == 0 || width > kMaxDim) {
    return InvalidArgument("arch '{}' has the hidden width '{}': give whole numbers, 1 .. {}", arch,
                           text, kMaxDim);
  }
  return width;
}

Status CheckHead(size_t index, const HeadConfig& head) {
  if (!std::isfinite(head.learning_rate) || head.learning_rate <= 0) {
    return InvalidArgument("head {} has learning rate {}: give a number above 0", index,
                           head.learning_rate);
  }
  if (!std::isfinite(head.weight_decay) || head.weight_decay < 0) {
    return InvalidArgument("head {} has weight decay {}: give 0 or more", index, head.weight_decay);
  }
  return OkStatus();
}

Status CheckOptions(const HeadTrainerOptions& options) {
  if (options.dim == 0 || options.dim > kMaxDim) {
    return InvalidArgument("embeddings of dimension {}: give 1 .. {}", options.dim, kMaxDim);
  }
  if (options.classes == 0 || options.classes > kMaxDim) {
    return InvalidArgument("{} classes: a head has 1 .. {}", options.classes, kMaxDim);
  }
  if (options.heads.empty() || options.heads.size() > kMaxHeads) {
    return InvalidArgument("{} heads to train: give 1 .. {}", options.heads.size(), kMaxHeads);
  }
  for (size_t h = 0; h < options.heads.size(); ++h) AUGSTORE_TRY(CheckHead(h, options.heads[h]));
  return OkStatus();
}

// dim, hidden widths, classes. Errors: kInvalidArgument (more weights than a head may have).
Result<std::vector<uint32_t>> Widths(const HeadTrainerOptions& options) {
  AUGSTORE_ASSIGN(std::vector<uint32_t> widths, ParseArch(options.arch));
  widths.insert(widths.begin(), options.dim);
  widths.push_back(options.classes);
  uint64_t weights = 0;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    weights += (uint64_t{widths[l]} + 1) * widths[l + 1];
  }
  if (weights * sizeof(float) > kMaxWeightsBytes) {
    return InvalidArgument("arch '{}' on {} dimensions and {} classes has {} weights: at most {}",
                           options.arch, options.dim, options.classes, weights,
                           kMaxWeightsBytes / sizeof(float));
  }
  return widths;
}

Status CheckInitial(const HeadTrainerOptions& options, const std::vector<uint32_t>& widths) {
  if (!options.initial.empty() && options.initial.size() != options.heads.size()) {
    return InvalidArgument("{} heads come with the initial weights of {}: give one for each",
                           options.heads.size(), options.initial.size());
  }
  std::vector<LayerShape> shapes;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    const bool last = l + 2 == widths.size();
    shapes.push_back({widths[l], widths[l + 1], last ? Activation::kNone : Activation::kRelu});
  }
  for (size_t h = 0; h < options.initial.size(); ++h) {
    AUGSTORE_TRY(options.initial[h].Validate());
    if (options.initial[h].shapes() == shapes) continue;
    return InvalidArgument(
        "the initial weights of head {} map {} to {} values in {} layers, and arch '{}' on {} "
        "dimensions and {} classes has other layers: start from a head of that arch",
        h, options.initial[h].dim_in(), options.initial[h].dim_out(),
        options.initial[h].layers.size(), options.arch, options.dim, options.classes);
  }
  return OkStatus();
}

class Trainer final : public HeadTrainer {
 public:
  Trainer(const HeadTrainerOptions& options, OptimizerKind kind, std::vector<uint32_t> widths)
      : dim_(options.dim),
        classes_(options.classes),
        total_steps_(options.total_steps),
        kind_(kind),
        heads_(options.heads),
        pool_(ComputeThreads()),
        networks_(std::move(widths), Seeds(options), &pool_),
        loss_sums_(options.heads.size()) {
    for (size_t h = 0; h < options.initial.size(); ++h) networks_.Import(h, options.initial[h]);
  }

  Status Step(ConstMatrixView embeddings, std::span<const int32_t> labels) override {
    AUGSTORE_ASSIGN(const Labelled batch, KeepLabelled(embeddings, labels));
    if (batch.labels.empty()) return OkStatus();
    const std::vector<HeadScore> scores = networks_.Forward(batch.x, batch.labels);
    for (size_t h = 0; h < scores.size(); ++h) {
      if (!std::isfinite(scores[h].loss_sum)) {
        return InvalidArgument(
            "head {} (learning rate {}, seed {}) has the loss {} at step {}: lower its learning "
            "rate, and check the embeddings for NaN",
            h, heads_[h].learning_rate, heads_[h].seed, scores[h].loss_sum, steps_);
      }
    }
    std::vector<OptimizerStep> steps;
    for (const HeadConfig& head : heads_) {
      const double rate = ScheduledRate(head.learning_rate, steps_, total_steps_);
      steps.emplace_back(kind_, rate, head.weight_decay, steps_ + 1);
    }
    networks_.BackwardAndUpdate(batch.x, steps);
    ++steps_;
    for (size_t h = 0; h < scores.size(); ++h) loss_sums_[h] += scores[h].loss_sum;
    loss_samples_ += batch.labels.size();
    return OkStatus();
  }

  std::vector<double> TakeTrainLoss() override {
    std::vector<double> means(loss_sums_.size());
    for (size_t h = 0; h < means.size() && loss_samples_ > 0; ++h) {
      means[h] = loss_sums_[h] / static_cast<double>(loss_samples_);
    }
    std::fill(loss_sums_.begin(), loss_sums_.end(), 0.0);
    loss_samples_ = 0;
    return means;
  }

  Result<std::vector<HeadMetrics>> Evaluate(ConstMatrixView embeddings,
                                            std::span<const int32_t> labels) override {
    AUGSTORE_ASSIGN(const Labelled all, KeepLabelled(embeddings, labels));
    std::vector<HeadMetrics> metrics(heads_.size());
    for (size_t begin = 0; begin < all.labels.size(); begin += kEvaluateRows) {
      const size_t count = std::min(kEvaluateRows, all.labels.size() - begin);
      const std::vector<HeadScore> scores =
          networks_.Forward(all.x.Slice(begin, count), all.labels.subspan(begin, count));
      for (size_t h = 0; h < scores.size(); ++h) {
        metrics[h].loss += scores[h].loss_sum;
        metrics[h].accuracy += static_cast<double>(scores[h].hits);
      }
    }
    for (HeadMetrics& metric : metrics) {
      metric.samples = all.labels.size();
      if (metric.samples == 0) continue;
      metric.loss /= static_cast<double>(metric.samples);
      metric.accuracy /= static_cast<double>(metric.samples);
    }
    return metrics;
  }

  Layers Export(size_t h) const override { return networks_.Export(h); }
  size_t size() const override { return heads_.size(); }

 private:
  // Rows that have a label.
  struct Labelled {
    ConstMatrixView x;
    std::span<const int32_t> labels;
  };

  static std::vector<uint64_t> Seeds(const HeadTrainerOptions& options) {
    std::vector<uint64_t> seeds;
    for (const HeadConfig& head : options.heads) seeds.push_back(head.seed);
    return seeds;
  }

  Result<Labelled> KeepLabelled(ConstMatrixView x, std::span<const int32_t> labels) {
    if (x.cols != dim_) {
      return InvalidArgument(
          "embeddings have {} columns, the heads take {}: use the heads' own "
          "backbone",
          x.cols, dim_);
    }
    if (x.rows != labels.size()) {
      return InvalidArgument("{} embeddings come with {} labels: give one label for each", x.rows,
                             labels.size());
    }
    size_t labelled = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < -1 || labels[i] >= static_cast<int64_t>(classes_)) {
        return InvalidArgument("row {} has the label {}: the heads know 0 .. {}, and -1 for none",
                               i, labels[i], classes_ - 1);
      }
      if (labels[i] >= 0) ++labelled;
    }
    if (labelled == labels.size()) return Labelled{x, labels};
    kept_rows_ = Matrix(labelled, dim_);
    kept_labels_.clear();
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0) continue;
      std::copy_n(x.row(i).data(), dim_, kept_rows_.row(kept_labels_.size()).data());
      kept_labels_.push_back(labels[i]);
    }
    return Labelled{std::as_const(kept_rows_).view(), kept_labels_};
  }

  const size_t dim_;
  const uint32_t classes_;
  const uint64_t total_steps_;
  const OptimizerKind kind_;
  const std::vector<HeadConfig> heads_;
  WorkerPool pool_;
  HeadNetworks networks_;
  std::vector<double> loss_sums_;
  uint64_t loss_samples_ = 0;
  uint64_t steps_ = 0;
  Matrix kept_rows_;
  std::vector<int32_t> kept_labels_;
};

}  // namespace

Result<std::vector<uint32_t>> ParseArch(std::string_view text) {
  if (text == "linear") return std::vector<uint32_t>{};
  constexpr std::string_view kPrefix = "mlp(";
  if (!text.starts_with(kPrefix) || !text.ends_with(")")) {
    return InvalidArgument(
        "arch '{}' is not known: give linear or mlp(width,…), as in "
        "mlp(1024,128)",
        text);
  }
  std::string_view rest = text.substr(kPrefix.size(), text.size() - kPrefix.size() - 1);
  std::vector<uint32_t> widths;
  while (true) {
    const size_t comma = rest.find(',');
    AUGSTORE_ASSIGN(const uint32_t width, ParseWidth(rest.substr(0, comma), text));
    widths.push_back(width);
    if (widths.size() >= kMaxLayers) {
      return InvalidArgument("arch '{}' has too many layers: at most {} hidden ones", text,
                             kMaxLayers - 1);
    }
    if (comma == std::string_view::npos) return widths;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::unique_ptr<HeadTrainer>> HeadTrainer::Create(const HeadTrainerOptions& options) {
  AUGSTORE_TRY(CheckOptions(options));
  AUGSTORE_ASSIGN(const OptimizerKind kind, ParseOptimizer(options.optimizer));
  AUGSTORE_ASSIGN(std::vector<uint32_t> widths, Widths(options));
  AUGSTORE_TRY(CheckInitial(options, widths));
  return std::unique_ptr<HeadTrainer>(std::make_unique<Trainer>(options, kind, std::move(widths)));
}

}  // namespace augstore
