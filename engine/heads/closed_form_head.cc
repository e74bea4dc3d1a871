#include "engine/heads/closed_form_head.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/heads/head_calibration.h"
#include "engine/math/compute_threads.h"
#include "engine/math/eigen_shifted_system.h"
#include "engine/math/lambda_search.h"

namespace augstore {
namespace {

constexpr float kNeverLogit = -1000;  // of a class without rows
constexpr std::pair<HeadKind, std::string_view> kNames[] = {
    {HeadKind::kRidge, "ridge"}, {HeadKind::kLda, "lda"}, {HeadKind::kMeans, "means"}};

double Sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Moments Together(const Moments& a, const Moments& b) {
  Moments sum = a;
  const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  add(sum.counts, b.counts);
  add(sum.sums, b.sums);
  add(sum.gram, b.gram);
  return sum;
}

// matrix -= factor v v', lower triangle.
void SubtractOuter(std::vector<double>& matrix, const double* v, size_t dim, double factor) {
  for (size_t i = 0; i < dim; ++i) {
    double* row = matrix.data() + i * dim;
    const double scaled = factor * v[i];
    for (size_t j = 0; j <= i; ++j) row[j] -= scaled * v[j];
  }
}

// What moments say about one kind of head.
class Problem {
 public:
  Problem(const Moments& moments, HeadKind kind, size_t dim)
      : kind_(kind),
        dim_(dim),
        classes_(moments.counts.size()),
        rows_(Sum(moments.counts)),
        shares_(moments.counts),
        mean_(dim),
        deviations_(moments.sums) {
    for (double& share : shares_) share /= rows_;
    for (size_t c = 0; c < classes_; ++c) {
      for (size_t j = 0; j < dim; ++j) mean_[j] += moments.sums[c * dim + j] / rows_;
    }
    for (size_t c = 0; c < classes_; ++c) {
      for (size_t j = 0; j < dim; ++j) {
        double& value = deviations_[c * dim + j];
        value = moments.counts[c] > 0 ? value / moments.counts[c] - mean_[j] : 0;
      }
    }
    if (kind != HeadKind::kMeans) SetCovariance(moments);
  }

  const std::vector<double>& covariance() const { return covariance_; }
  double Shift(double lambda) const { return lambda * mean_variance_; }

  // The right-hand sides, dim x classes.
  std::vector<double> RightSides() const {
    std::vector<double> sides(dim_ * classes_);
    for (size_t c = 0; c < classes_; ++c) {
      const double factor = kind_ == HeadKind::kRidge ? shares_[c] : 1;
      for (size_t j = 0; j < dim_; ++j) {
        sides[j * classes_ + c] = factor * deviations_[c * dim_ + j];
      }
    }
    return sides;
  }

  // `solution`: of the system, dim x classes.
  LinearScores MakeScores(const std::vector<double>& solution) const {
    LinearScores scores{std::vector<double>(classes_ * dim_), std::vector<double>(classes_),
                        std::vector<double>(classes_)};
    for (size_t c = 0; c < classes_; ++c) {
      double at_mean = 0;  // the score's part that the class's and the overall mean account for
      double at_deviation = 0;
      for (size_t j = 0; j < dim_; ++j) {
        const double weight = solution[j * classes_ + c];
        scores.weight[c * dim_ + j] = weight;
        at_mean += weight * mean_[j];
        at_deviation += weight * deviations_[c * dim_ + j];
      }
      scores.bias[c] = -at_mean;
      scores.bias[c] += kind_ == HeadKind::kRidge ? shares_[c] : -0.5 * at_deviation;
      // A class without rows here counts as half a row, which keeps the logarithm finite.
      if (kind_ == HeadKind::kLda) scores.offset[c] = std::log(std::max(shares_[c], 0.5 / rows_));
    }
    return scores;
  }

 private:
  void SetCovariance(const Moments& moments) {
    covariance_ = moments.gram;
    for (double& value : covariance_) value /= rows_;
    SubtractOuter(covariance_, mean_.data(), dim_, 1);
    for (size_t i = 0; i < dim_; ++i) mean_variance_ += covariance_[i * dim_ + i];
    mean_variance_ /= static_cast<double>(dim_);
    if (kind_ != HeadKind::kLda) return;
    for (size_t c = 0; c < classes_; ++c) {
      SubtractOuter(covariance_, deviations_.data() + c * dim_, dim_, shares_[c]);
    }
  }

  const HeadKind kind_;
  const size_t dim_;
  const size_t classes_;
  const double rows_;
  std::vector<double> shares_;      // of each class in the rows
  std::vector<double> mean_;        // of all rows
  std::vector<double> deviations_;  // class mean - mean, classes x dim
  std::vector<double> covariance_;  // lower triangle; within the classes for LDA
  double mean_variance_ = 0;        // mean eigenvalue of the covariance of all rows
};

// The moments of the classes that have rows.
Moments Restrict(const Moments& moments, const std::vector<size_t>& present, size_t dim) {
  Moments result{.counts = {}, .sums = {}, .gram = moments.gram};
  for (const size_t c : present) {
    result.counts.push_back(moments.counts[c]);
    const auto sums = moments.sums.begin() + static_cast<std::ptrdiff_t>(c * dim);
    result.sums.insert(result.sums.end(), sums, sums + static_cast<std::ptrdiff_t>(dim));
  }
  return result;
}

// The heads of one set of statistics.
class Fitter {
 public:
  Fitter(const HeadStatistics& statistics, std::vector<size_t> present)
      : statistics_(statistics),
        dim_(statistics.dim()),
        present_(std::move(present)),
        training_(Restrict(statistics.training(), present_, dim_)),
        all_(Together(training_, Restrict(statistics.held_out(), present_, dim_))) {}

  // Nothing when no λ can be solved.
  std::optional<ClosedFormHead> Fit(HeadKind kind) const {
    Calibration calibration(statistics_.kept(), Places(statistics_.kept_labels()), present_.size());
    const Problem training(training_, kind, dim_);
    const Problem all(all_, kind, dim_);
    std::optional<ClosedFormHead> best;
    if (kind == HeadKind::kMeans) {
      const auto fit = calibration.Run(training.MakeScores(training.RightSides()));
      best = ClosedFormHead{kind, {}, 0, fit.scale, fit.loss};
      best->layers = MakeLayers(all.MakeScores(all.RightSides()), fit.scale);
      return best;
    }
    const ShiftedSystem system(training.covariance(), training.RightSides(), dim_);
    LambdaSearch<double> search([&](double lambda) -> std::optional<LambdaSearch<double>::Tried> {
      const auto solution = system.Solve(training.Shift(lambda));
      if (!solution) return std::nullopt;
      const auto fit = calibration.Run(training.MakeScores(*solution));
      return LambdaSearch<double>::Tried{fit.scale, fit.loss};
    });
    search.Grid(2, -5, {0.5});
    if (!search.best()) return best;
    best =
        ClosedFormHead{kind, {}, search.best()->lambda, search.best()->fit, search.best()->error};
    const auto solution =
        SolveShifted(all.covariance(), all.RightSides(), dim_, all.Shift(best->lambda));
    if (!solution) return std::nullopt;
    best->layers = MakeLayers(all.MakeScores(*solution), best->scale);
    return best;
  }

 private:
  // The labels as places among the present classes.
  std::vector<size_t> Places(std::span<const int32_t> labels) const {
    std::vector<size_t> places;
    for (const int32_t label : labels) {
      const auto found = std::ranges::lower_bound(present_, static_cast<size_t>(label));
      places.push_back(static_cast<size_t>(found - present_.begin()));
    }
    return places;
  }

  Layers MakeLayers(const LinearScores& scores, double scale) const {
    Layer layer;
    layer.shape.in = static_cast<uint32_t>(dim_);
    layer.shape.out = statistics_.classes();
    layer.weight.resize(size_t{layer.shape.out} * dim_);
    layer.bias.assign(layer.shape.out, kNeverLogit);
    for (size_t c = 0; c < present_.size(); ++c) {
      double bias = scores.bias[c];
      for (size_t j = 0; j < dim_; ++j) {
        const double weight = scores.weight[c * dim_ + j];
        layer.weight[present_[c] * dim_ + j] = static_cast<float>(scale * weight);
        bias -= weight * statistics_.pivot()[j];
      }
      layer.bias[present_[c]] = static_cast<float>(scale * bias + scores.offset[c]);
    }
    Layers layers;
    layers.layers.push_back(std::move(layer));
    return layers;
  }

  const HeadStatistics& statistics_;
  const size_t dim_;
  const std::vector<size_t> present_;
  const Moments training_;
  const Moments all_;
};

Status CheckRows(const HeadStatistics& statistics, const std::vector<size_t>& present) {
  const double training = Sum(statistics.training().counts);
  const double held_out = Sum(statistics.held_out().counts);
  if (training + held_out == 0) {
    return FailedPrecondition(
        "no sample has a label in this label column: choose a split or a column that has labels, "
        "or ingest the images with labels");
  }
  if (present.size() < 2) {
    return FailedPrecondition(
        "all {} labelled samples have the class number {}: a classifier needs samples of at least "
        "2 classes",
        training + held_out, present[0]);
  }
  if (training == 0 || held_out == 0) {
    return FailedPrecondition(
        "{} of {} labelled samples are held out to choose the penalty by: give more samples, some "
        "30, or another seed",
        held_out, training + held_out);
  }
  for (const Moments* moments : {&statistics.training(), &statistics.held_out()}) {
    for (size_t i = 0; i < statistics.dim(); ++i) {
      if (std::isfinite(moments->gram[i * statistics.dim() + i])) continue;
      return InvalidArgument("embeddings are not finite in column {}: check them for NaN", i);
    }
  }
  return OkStatus();
}

}  // namespace

Result<HeadKind> ParseHeadKind(std::string_view text) {
  for (const auto& [kind, name] : kNames) {
    if (name == text) return kind;
  }
  return InvalidArgument("'{}' is no kind of head: give ridge, lda or means", text);
}

std::string_view HeadKindName(HeadKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "";
}

Result<std::vector<ClosedFormHead>> FitHeads(const HeadStatistics& statistics,
                                             std::span<const HeadKind> kinds) {
  std::vector<size_t> present;
  for (size_t c = 0; c < statistics.classes(); ++c) {
    if (statistics.training().counts[c] + statistics.held_out().counts[c] > 0) present.push_back(c);
  }
  AUGSTORE_TRY(CheckRows(statistics, present));
  const Fitter fitter(statistics, std::move(present));
  std::vector<std::optional<ClosedFormHead>> fits(kinds.size());
  WorkerPool pool(ComputeThreads());
  pool.Run(kinds.size(), [&](size_t i, size_t) { fits[i] = fitter.Fit(kinds[i]); });
  std::vector<ClosedFormHead> heads;
  for (std::optional<ClosedFormHead>& fit : fits) {
    if (!fit || !fit->layers.Validate().ok()) {
      return InvalidArgument(
          "no penalty from 1e-5 to 1e2 can be solved for {} samples of {} dimensions: their "
          "embeddings do not differ from each other, or are too large",
          Sum(statistics.training().counts), statistics.dim());
    }
    heads.push_back(std::move(*fit));
  }
  return heads;
}

}  // namespace augstore
