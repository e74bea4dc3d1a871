#include "engine/conditional/conditional_fit.h"

#include <chrono>
#include <utility>

#include "engine/conditional/conditional_measure.h"
#include "engine/conditional/op_fit.h"
#include "engine/fitting/affine_fit.h"
#include "engine/fitting/pairs.h"
#include "engine/math/unit_length.h"
#include "engine/transforms/holdout.h"

namespace augstore {
namespace {

constexpr size_t kMinImages = 20;
constexpr size_t kMaxUnknowns = 16384;

// The views of one part that satisfy `chosen`.
template <typename Predicate>
std::vector<size_t> Views(const ConditionalProblem& problem, bool held_out, Predicate chosen) {
  std::vector<size_t> views;
  for (size_t v = 0; v < problem.pairs.images.size(); ++v) {
    if (problem.InPart(v, held_out) && chosen(problem.pairs.ops[v])) views.push_back(v);
  }
  return views;
}

std::vector<size_t> AllViews(const ConditionalProblem& problem, bool held_out) {
  return Views(problem, held_out, [](const OpPattern&) { return true; });
}

std::vector<size_t> ChainViews(const ConditionalProblem& problem, bool held_out) {
  return Views(problem, held_out, [](const OpPattern& ops) { return ops.terms().size() > 1; });
}

// Fits the parts of a transform one after another.
class ConditionalFitter {
 public:
  ConditionalFitter(ConditionalProblem problem, const ConditionalFitOptions& options)
      : problem_(std::move(problem)), options_(options), inputs_(problem_.z) {
    const size_t dim = problem_.z.cols;
    weights_.ops = problem_.family.ToString();
    weights_.slots = problem_.family.slots();
    weights_.basis.resize(problem_.family.features());
    weights_.layers.layers.push_back(DiagonalLayer(
        std::vector<float>(dim, 1.0F), std::vector<float>(dim, 0.0F), problem_.non_negative));
  }

  Status AddOp(const OpTerm& op) {
    AUGSTORE_ASSIGN(OpFit fit, FitOp(problem_, inputs_, op));
    std::ranges::move(fit.basis, weights_.basis.begin() +
                                     static_cast<std::ptrdiff_t>(problem_.family.FirstFeature(op)));
    notes_ +=
        fmt::format("{}{}: lambda={:.4g}", notes_.empty() ? "" : ", ", op.ToString(), fit.lambda);
    return OkStatus();
  }

  // The ridge map from composed predictions to the embeddings under several ops. Too few chains:
  // none.
  Status AddComposition() {
    const std::vector<size_t> train = ChainViews(problem_, false);
    const std::vector<size_t> held_out = ChainViews(problem_, true);
    if (train.size() < kMinImages || held_out.empty()) return OkStatus();
    AUGSTORE_ASSIGN(const Matrix composed, MapViews(problem_, weights_, train));
    AUGSTORE_ASSIGN(const Matrix composed_held_out, MapViews(problem_, weights_, held_out));
    const ConstMatrixView targets = problem_.pairs.targets.view();
    const PairMoments moments(composed.view(), GatherRows(targets, train).view());
    AUGSTORE_ASSIGN(const AffineFit fit,
                    FitAffine(moments, composed_held_out.view(),
                              GatherRows(targets, held_out).view(), problem_.non_negative));
    weights_.layers.layers = {AffineLayer(moments, fit.slopes, problem_.non_negative)};
    notes_ += fmt::format(", chains: lambda={:.4g}", fit.lambda);
    return OkStatus();
  }

  Result<TrainedTransform> Finish() {
    TrainedTransform trained;
    trained.family = "conditional";
    // Not before: the map for several ops is fitted to what comes before it, as it is.
    weights_.normalised = HaveUnitLength(problem_.pairs.targets.view());
    const std::vector<size_t> all = AllViews(problem_, true);
    const auto measure = [&](const std::string& data, std::span<const size_t> views) -> Status {
      AUGSTORE_ASSIGN(CardEntry entry,
                      MeasureViews(data, problem_, weights_, views, options_.seed));
      trained.card.entries.push_back(std::move(entry));
      return OkStatus();
    };
    AUGSTORE_TRY(measure("held-out", all));
    for (const OpTerm& op : problem_.family.terms()) {
      AUGSTORE_TRY(measure("held-out " + op.ToString(), ViewsOfOp(problem_, op, true).views));
    }
    const std::vector<size_t> chains = ChainViews(problem_, true);
    if (!chains.empty()) AUGSTORE_TRY(measure("held-out chains", chains));
    AUGSTORE_ASSIGN(const Matrix mapped, MapViews(problem_, weights_, all));
    weights_.error_bank = KeepErrors(GatherRows(problem_.pairs.targets.view(), all).view(),
                                     mapped.view(), options_.error_bank);
    trained.card.train_pairs = problem_.pairs.images.size() - all.size();
    trained.card.seed = options_.seed;
    trained.card.notes = notes_;
    trained.card.multiply_adds = weights_.MultiplyAdds();
    trained.weights = std::move(weights_);
    return trained;
  }

 private:
  const ConditionalProblem problem_;
  const ConditionalFitOptions& options_;
  const CentredInputs inputs_;
  TransformWeights weights_;
  std::string notes_;
};

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

Result<TrainedTransform> FitConditional(const OpFamily& family, ConstMatrixView z,
                                        const ConditionalPairs& pairs,
                                        const ConditionalFitOptions& options,
                                        const ConditionalProgress& progress) {
  AUGSTORE_CHECK(pairs.images.size() == pairs.ops.size() &&
                 pairs.targets.rows() == pairs.images.size() && pairs.targets.cols() == z.cols);
  AUGSTORE_TRY(CheckSizes(family, z));
  AUGSTORE_TRY(CheckFinite(z, "z"));
  AUGSTORE_TRY(CheckFinite(pairs.targets.view(), "z'"));
  for (const OpPattern& ops : pairs.ops) AUGSTORE_TRY(family.Check(ops));
  const auto start = std::chrono::steady_clock::now();
  ConditionalFitter fitter(
      {family, z, pairs, HoldoutMask(z.rows, options.seed, options.validation_fraction),
       IsNonNegative(pairs.targets.view())},
      options);
  const size_t parts = family.terms().size() + 1;
  const auto report = [&](size_t done, const std::string& what) -> Status {
    if (!progress || progress(done, parts, what)) return OkStatus();
    return Unavailable("the fit was ended before it was done");
  };
  for (size_t term = 0; term < family.terms().size(); ++term) {
    AUGSTORE_TRY(report(term, family.terms()[term].ToString()));
    AUGSTORE_TRY(fitter.AddOp(family.terms()[term]));
  }
  AUGSTORE_TRY(report(parts - 1, "chains"));
  AUGSTORE_TRY(fitter.AddComposition());
  AUGSTORE_ASSIGN(TrainedTransform trained, fitter.Finish());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  trained.card.train_seconds = elapsed.count();
  AUGSTORE_TRY(report(parts, "done"));
  return trained;
}

}  // namespace augstore
