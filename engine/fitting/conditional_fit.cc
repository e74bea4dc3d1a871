#include "engine/fitting/conditional_fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/fitting/affine_fit.h"
#include "engine/fitting/conditional_ridge.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/bootstrap.h"
#include "engine/math/onednn_gemm.h"
#include "engine/transforms/card.h"
#include "engine/transforms/held_out.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr size_t kMinImages = 20;
constexpr size_t kMaxUnknowns = 16384;
class Fitter {
 public:
  Fitter(const OpFamily& family, ConstMatrixView z, const ConditionalPairs& pairs,
         const ConditionalFitOptions& options)
      : family_(family),
        z_(z),
        pairs_(pairs),
        options_(options),
        inputs_(z),
        held_out_(HoldoutMask(z.rows, options.seed, options.validation_fraction)),
        engine_(NewTileEngine()) {
    const float* targets = pairs.targets.data();
    relu_ = std::all_of(targets, targets + pairs.targets.rows() * z.cols,
                        [](float value) { return value >= 0; });
    weights_.ops = family.ToString();
    weights_.slots = family.slots();
    weights_.basis.resize(family.features());
    weights_.layers = Identity();
  }

  Status FitOp(size_t term) {
    const OpTerm& op = family_.terms()[term];
    const size_t k = family_.FeatureCount(op);
    const OpViews train = Collect(op, false);
    const OpViews held_out = Collect(op, true);
    if (train.views.empty() || held_out.views.empty()) {
      return InvalidArgument("op {} has {} views to train on and {} held out: give more images",
                             op.ToString(), train.views.size(), held_out.views.size());
    }
    const OpRidge problem(inputs_, z_, pairs_, train, k);
    std::optional<std::vector<Layer>> best;
    double best_error = 0;
    double best_exponent = 0;
    const auto attempt = [&](double exponent) {
      auto maps = problem.Solve(std::pow(10, exponent));
      if (!maps) return;
      const double error = Error(*maps, held_out);
      if (!std::isfinite(error) || (best && error >= best_error)) return;
      best = std::move(maps);
      best_error = error;
      best_exponent = exponent;
    };
    for (int exponent = 1; exponent >= -4; --exponent) attempt(exponent);
    const double centre = best_exponent;
    for (const double step : {-0.5, 0.5}) attempt(centre + step);
    if (!best) {
      return InvalidArgument(
          "op {}: no ridge penalty can be solved for {} views: the embeddings do "
          "not differ from each other, give different images",
          op.ToString(), train.views.size());
    }
    std::ranges::move(
        *best, weights_.basis.begin() + static_cast<std::ptrdiff_t>(family_.FirstFeature(op)));
    notes_ += fmt::format("{}{}: lambda={:.4g}", notes_.empty() ? "" : ", ", op.ToString(),
                          std::pow(10, best_exponent));
    return OkStatus();
  }

  // The ridge map from composed predictions to what several ops really give.
  Status FitComposition() {
    std::vector<size_t> train = SeveralOps(false);
    std::vector<size_t> held_out = SeveralOps(true);
    if (train.size() < kMinImages || held_out.empty()) return OkStatus();
    AUGSTORE_ASSIGN(const Matrix composed, Mapped(train));
    AUGSTORE_ASSIGN(const Matrix composed_held_out, Mapped(held_out));
    const Matrix target = Gather(pairs_.targets.view(), train);
    const Matrix target_held_out = Gather(pairs_.targets.view(), held_out);
    const PairMoments moments(composed.view(), target.view());
    AUGSTORE_ASSIGN(const AffineFit fit,
                    FitAffine(moments, composed_held_out.view(), target_held_out.view(), relu_));
    weights_.layers.layers = {AffineLayer(moments, fit.slopes, relu_)};
    notes_ += fmt::format(", chains: lambda={:.4g}", fit.lambda);
    return OkStatus();
  }

  Result<TrainedTransform> Finish() {
    TrainedTransform trained;
    trained.family = "conditional";
    std::vector<size_t> all;
    for (size_t v = 0; v < pairs_.images.size(); ++v) {
      if (held_out_[pairs_.images[v]]) all.push_back(v);
    }
    AUGSTORE_ASSIGN(CardEntry whole, Measure("held-out", all));
    trained.card.entries.push_back(std::move(whole));
    for (const OpTerm& op : family_.terms()) {
      AUGSTORE_ASSIGN(CardEntry entry,
                      Measure("held-out " + op.ToString(), Collect(op, true).views));
      trained.card.entries.push_back(std::move(entry));
    }
    const std::vector<size_t> chains = SeveralOps(true);
    if (!chains.empty()) {
      AUGSTORE_ASSIGN(CardEntry entry, Measure("held-out chains", chains));
      trained.card.entries.push_back(std::move(entry));
    }
    AUGSTORE_ASSIGN(const Matrix mapped, Mapped(all));
    const Matrix target = Gather(pairs_.targets.view(), all);
    weights_.error_bank = KeepErrors(target.view(), mapped.view(), options_.error_bank);
    trained.card.train_pairs = pairs_.images.size() - all.size();
    trained.card.seed = options_.seed;
    trained.card.notes = notes_;
    trained.card.multiply_adds = weights_.MultiplyAdds();
    trained.weights = std::move(weights_);
    return trained;
  }

 private:
  Layers Identity() const {
    Layer layer;
    layer.shape.in = layer.shape.out = static_cast<uint32_t>(z_.cols);
    layer.shape.kind = LayerKind::kDiagonal;
    layer.shape.activation = relu_ ? Activation::kRelu : Activation::kNone;
    layer.weight.assign(z_.cols, 1);
    layer.bias.assign(z_.cols, 0);
    return Layers{{std::move(layer)}};
  }

  static Matrix Gather(ConstMatrixView from, const std::vector<size_t>& rows) {
    Matrix result(rows.size(), from.cols);
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(from.row(rows[i]).data(), from.cols, result.row(i).data());
    }
    return result;
  }

  OpViews Collect(const OpTerm& op, bool held_out) const {
    OpViews collected;
    const size_t k = family_.FeatureCount(op);
    std::vector<double> parameters(op.parameters.size());
    for (size_t v = 0; v < pairs_.images.size(); ++v) {
      const std::vector<OpTerm>& terms = pairs_.ops[v].terms();
      if (terms.size() != 1 || terms[0].name != op.name) continue;
      if (held_out_[pairs_.images[v]] != held_out) continue;
      pairs_.ops[v].Draw({}, 0, parameters);
      collected.views.push_back(v);
      collected.features.resize(collected.views.size() * k);
      family_.Features(terms[0], parameters, std::span(collected.features).last(k));
    }
    return collected;
  }

  std::vector<size_t> SeveralOps(bool held_out) const {
    std::vector<size_t> views;
    for (size_t v = 0; v < pairs_.images.size(); ++v) {
      if (pairs_.ops[v].terms().size() > 1 && held_out_[pairs_.images[v]] == held_out) {
        views.push_back(v);
      }
    }
    return views;
  }

  // Sum of squared errors of the op's maps on its views.
  double Error(const std::vector<Layer>& maps, const OpViews& views) const {
    const size_t d = z_.cols;
    const size_t k = maps.size();
    Matrix in(views.views.size(), d);
    for (size_t v = 0; v < views.views.size(); ++v) {
      std::copy_n(z_.row(pairs_.images[views.views[v]]).data(), d, in.row(v).data());
    }
    Matrix sum(views.views.size(), d);
    std::copy_n(in.data(), in.rows() * d, sum.data());
    Matrix part(views.views.size(), d);
    for (size_t p = 0; p < k; ++p) {
      const auto dim = static_cast<int64_t>(d);
      Gemm(false, true, static_cast<int64_t>(in.rows()), dim, dim, in.data(), dim,
           maps[p].weight.data(), dim, 0, part.data(), dim);
      for (size_t v = 0; v < in.rows(); ++v) {
        const float feature = views.features[v * k + p];
        for (size_t c = 0; c < d; ++c) {
          sum.row(v)[c] += feature * (part.row(v)[c] + maps[p].bias[c]);
        }
      }
    }
    double error = 0;
    for (size_t v = 0; v < in.rows(); ++v) {
      for (size_t c = 0; c < d; ++c) {
        const float value = sum.row(v)[c];
        const double difference =
            double{relu_ && value < 0 ? 0 : value} - pairs_.targets.row(views.views[v])[c];
        error += difference * difference;
      }
    }
    return error;
  }

  // What the transform as it is now gives for views, row by row. Views of equal ops go together.
  Result<Matrix> Mapped(const std::vector<size_t>& views) {
    TransformWeights copy;
    copy.layers = weights_.layers;
    copy.basis = weights_.basis;
    copy.ops = weights_.ops;
    copy.slots = weights_.slots;
    AUGSTORE_ASSIGN(const TransformModelPtr model, MakeTransformModel(std::move(copy)));
    std::map<std::string, std::vector<size_t>> alike;
    for (size_t i = 0; i < views.size(); ++i) alike[Shape(pairs_.ops[views[i]])].push_back(i);
    Matrix mapped(views.size(), z_.cols);
    for (const auto& [shape, rows] : alike) AUGSTORE_TRY(MapAlike(model, views, rows, &mapped));
    return mapped;
  }

  static std::string Shape(const OpPattern& ops) {
    std::string text;
    for (const OpTerm& term : ops.terms()) text += term.name + '>';
    return text;
  }

  // Views of the same ops in the same order, with parameters of their own.
  Status MapAlike(const TransformModelPtr& model, const std::vector<size_t>& views,
                  const std::vector<size_t>& rows, Matrix* mapped) {
    std::string ranges;
    for (const OpTerm& term : pairs_.ops[views[rows[0]]].terms()) {
      const auto known = std::ranges::find(family_.terms(), term.name, &OpTerm::name);
      ranges += (ranges.empty() ? "" : ">") + known->ToString();
    }
    AUGSTORE_ASSIGN(OpPattern pattern, OpPattern::Parse(ranges));
    AUGSTORE_ASSIGN(const TransformStep step,
                    MakeStep("the transform", model, std::move(pattern), false));
    Matrix in(rows.size(), z_.cols);
    Matrix out(rows.size(), z_.cols);
    std::vector<double> parameters;
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t view = views[rows[i]];
      std::copy_n(z_.row(pairs_.images[view]).data(), z_.cols, in.row(i).data());
      std::vector<double> own(pairs_.ops[view].parameters());
      pairs_.ops[view].Draw({}, 0, own);
      parameters.insert(parameters.end(), own.begin(), own.end());
    }
    AUGSTORE_TRY(ApplyStepWith(*engine_, step, parameters, in.view(), out.view()));
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(out.row(i).data(), z_.cols, mapped->row(rows[i]).data());
    }
    return OkStatus();
  }

  Result<CardEntry> Measure(const std::string& data, const std::vector<size_t>& views) {
    AUGSTORE_ASSIGN(const Matrix mapped, Mapped(views));
    Matrix z(views.size(), z_.cols);
    for (size_t i = 0; i < views.size(); ++i) {
      std::copy_n(z_.row(pairs_.images[views[i]]).data(), z_.cols, z.row(i).data());
    }
    const Matrix target = Gather(pairs_.targets.view(), views);
    CardEntry entry = MeasureCard(data, std::as_const(z).view(), target.view(), mapped.view());
    // Views of one image are alike, so images are what is resampled.
    const std::vector<double> errors = SquaredDistances(mapped.view(), target.view());
    const std::vector<double> baselines = SquaredDistances(std::as_const(z).view(), target.view());
    std::map<uint32_t, std::pair<double, double>> by_image;
    for (size_t i = 0; i < views.size(); ++i) {
      auto& sums = by_image[pairs_.images[views[i]]];
      sums.first += errors[i];
      sums.second += baselines[i];
    }
    std::vector<double> image_errors;
    std::vector<double> image_baselines;
    for (const auto& [image, sums] : by_image) {
      image_errors.push_back(sums.first);
      image_baselines.push_back(sums.second);
    }
    const Interval interval = BootstrapR2(image_errors, image_baselines, options_.seed);
    entry.r2_low = std::min(interval.low, entry.r2);
    entry.r2_high = std::max(interval.high, entry.r2);
    return entry;
  }

  const OpFamily& family_;
  ConstMatrixView z_;
  const ConditionalPairs& pairs_;
  const ConditionalFitOptions& options_;
  const CentredInputs inputs_;
  const std::vector<bool> held_out_;
  std::unique_ptr<Engine> engine_;
  bool relu_ = false;
  TransformWeights weights_;
  std::string notes_;
};

Status CheckFinite(ConstMatrixView matrix, std::string_view what) {
  for (size_t i = 0; i < matrix.rows * matrix.cols; ++i) {
    if (std::isfinite(matrix.data[i])) continue;
    return InvalidArgument(
        "row {} of {} has {} at dimension {}: leave it out, or repair the "
        "backbone that made it",
        i / matrix.cols, what, matrix.data[i], i % matrix.cols);
  }
  return OkStatus();
}

Status CheckSizes(const OpFamily& family, ConstMatrixView z) {
  if (z.rows < kMinImages) {
    return InvalidArgument("{} images: a transform is trained on at least {}", z.rows, kMinImages);
  }
  for (const OpTerm& op : family.terms()) {
    const size_t unknowns = family.FeatureCount(op) * (z.cols + 1);
    if (unknowns <= kMaxUnknowns) continue;
    return InvalidArgument(
        "op {} with embeddings of dimension {} makes a system of {} unknowns: at most {} are "
        "possible; train a transform for it alone",
        op.ToString(), z.cols, unknowns, kMaxUnknowns);
  }
  return OkStatus();
}

}  // namespace

Result<TrainedTransform> FitConditional(
    const OpFamily& family, ConstMatrixView z, const ConditionalPairs& pairs,
    const ConditionalFitOptions& options,
    const std::function<bool(size_t done, size_t all, const std::string& what)>& progress) {
  AUGSTORE_CHECK(pairs.images.size() == pairs.ops.size() &&
                 pairs.targets.rows() == pairs.images.size() && pairs.targets.cols() == z.cols);
  AUGSTORE_TRY(CheckSizes(family, z));
  AUGSTORE_TRY(CheckFinite(z, "z"));
  AUGSTORE_TRY(CheckFinite(pairs.targets.view(), "z'"));
  for (const OpPattern& ops : pairs.ops) AUGSTORE_TRY(family.Check(ops));
  const auto start = std::chrono::steady_clock::now();
  Fitter fitter(family, z, pairs, options);
  const size_t parts = family.terms().size() + 1;
  const auto report = [&](size_t done, const std::string& what) -> Status {
    if (!progress || progress(done, parts, what)) return OkStatus();
    return Unavailable("the fit was ended before it was done");
  };
  for (size_t term = 0; term < family.terms().size(); ++term) {
    AUGSTORE_TRY(report(term, family.terms()[term].ToString()));
    AUGSTORE_TRY(fitter.FitOp(term));
  }
  AUGSTORE_TRY(report(parts - 1, "chains"));
  AUGSTORE_TRY(fitter.FitComposition());
  AUGSTORE_ASSIGN(TrainedTransform trained, fitter.Finish());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  trained.card.train_seconds = elapsed.count();
  AUGSTORE_TRY(report(parts, "done"));
  return trained;
}

}  // namespace augstore
