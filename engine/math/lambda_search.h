// The choice of a ridge penalty λ by held-out error, on a logarithmic scale.
#ifndef AUGSTORE_ENGINE_MATH_LAMBDA_SEARCH_H_
#define AUGSTORE_ENGINE_MATH_LAMBDA_SEARCH_H_

#include <cmath>
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>

namespace augstore {

// Tries λ = 10^exponent and keeps the fit with the least error; of equal errors the first. `Fit` is
// what one λ results in. Thread safety: none.
template <typename Fit>
class LambdaSearch {
 public:
  struct Tried {
    Fit fit;
    double error = 0;  // on held-out data; a fit whose error is not finite is never kept
  };
  // Returns nothing when the system of this λ cannot be solved.
  using Attempt = std::function<std::optional<Tried>(double lambda)>;
  struct Best {
    Fit fit;
    double error = 0;
    double exponent = 0;
    double lambda = 0;
  };

  explicit LambdaSearch(Attempt attempt) : attempt_(std::move(attempt)) {}

  // Returns whether this λ is the best so far.
  bool Try(double exponent) {
    const double lambda = std::pow(10, exponent);
    std::optional<Tried> tried = attempt_(lambda);
    if (!tried || !std::isfinite(tried->error)) return false;
    if (best_ && tried->error >= best_->error) return false;
    best_ = Best{std::move(tried->fit), tried->error, exponent, lambda};
    return true;
  }

  // Every decade from `high` down to `low`, then for each of `steps` the λ that many decades below
  // and above the best so far.
  void Grid(int high, int low, std::initializer_list<double> steps) {
    for (int exponent = high; exponent >= low; --exponent) Try(exponent);
    for (const double step : steps) {
      const double centre = best_ ? best_->exponent : 0;
      Try(centre - step);
      Try(centre + step);
    }
  }

  // `start`, then upwards by `step` decades for as long as that helps; when it never does,
  // downwards. At most `max_steps` each way.
  void Walk(double start, double step, int max_steps) {
    Try(start);
    for (const double direction : {step, -step}) {
      for (int i = 1; i <= max_steps && Try(start + i * direction); ++i) {
      }
      if (best_ && best_->exponent > start) return;
    }
  }

  // Nothing when no λ could be solved.
  std::optional<Best>& best() { return best_; }

 private:
  Attempt attempt_;
  std::optional<Best> best_;
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_LAMBDA_SEARCH_H_
