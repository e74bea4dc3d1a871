#include "engine/fitting/refine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/fitting/epoch_loop.h"
#include "engine/fitting/refine_features.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/bootstrap.h"
#include "engine/math/lambda_search.h"
#include "engine/math/onednn_gemm.h"
#include "engine/math/optimizer.h"
#include "engine/math/permutation.h"

namespace augstore {
namespace {

// Chosen on five ops and 9,000 pairs.
constexpr double kLearningRate = 5e-4;
constexpr double kLambdaStep = 0.25;  // decades between two penalties that are tried
constexpr int kMaxLambdaSteps = 8;

// y (rows x out) = x W' + beta y.
void Product(const Matrix& x, size_t rows, const float* weight, size_t out, float beta, Matrix* y) {
  const auto in = static_cast<int64_t>(x.cols());
  Gemm(false, true, static_cast<int64_t>(rows), static_cast<int64_t>(out), in, x.data(), in, weight,
       in, beta, y->data(), static_cast<int64_t>(y->cols()));
}

// The output weights in closed form: 2d x d, in by out, and the constant that goes with them.
struct Output {
  std::vector<double> slopes;
  std::vector<double> constant;
  double exponent = 0;  // of λ
};

Output MakeOutput(const PairMoments& moments, std::vector<double> slopes) {
  Output output{std::move(slopes), moments.mean_shift};
  for (size_t in = 0; in < moments.inputs; ++in) {
    for (size_t out = 0; out < moments.dim; ++out) {
      output.constant[out] -= output.slopes[in * moments.dim + out] * moments.mean[in];
    }
  }
  return output;
}

// The affine map as output weights, with nothing from W.
Output FromAffine(const PairMoments& moments, const AffineFit& ridge,
                  const RefineFeatures& features) {
  const size_t dim = moments.dim;
  Output output{std::vector<double>(2 * dim * dim), moments.mean_shift, std::log10(ridge.lambda)};
  for (size_t in = 0; in < dim; ++in) {
    for (size_t out = 0; out < dim; ++out) {
      const double slope = ridge.slopes[in * dim + out];
      output.slopes[in * dim + out] = slope * features.scale();
      output.constant[out] -= slope * (moments.mean[in] + features.offset()[in]);
    }
  }
  return output;
}

class Refiner : public EpochTrainer {
 public:
  Refiner(const TransformPairs& pairs, const TransformTrainOptions& options,
          const PairMoments& moments, const AffineFit& ridge)
      : pairs_(pairs),
        options_(options),
        dim_(moments.dim),
        rate_(options.learning_rate > 0 ? options.learning_rate : kLearningRate),
        decay_(std::max(options.weight_decay, 0.0)),
        features_(pairs.train_z.view(), moments, options.seed),
        start_(features_.weight()),
        output_(FromAffine(moments, ridge, features_)),
        passing_(dim_ * dim_),
        hidden_out_(dim_ * dim_),
        moments_(dim_),
        batch_(std::min<size_t>(options.batch_size, pairs.train_z.rows()), dim_),
        weight_gradient_(dim_ * dim_),
        engine_(NewTileEngine()) {}

  // The affine map as this family's layers, with its held-out error.
  Result<double> Start(FittedTransform* start) const;
  double rate() const { return rate_; }

  uint32_t Advance(uint32_t epoch) override;
  // Of the output weights that are best for W and b as they are; infinite when there are none.
  Result<double> HeldOutError() override;
  FittedTransform Export() const override;

 private:
  struct AdamMoments {
    explicit AdamMoments(size_t dim)
        : weight_first(dim * dim), weight_second(dim * dim), bias_first(dim), bias_second(dim) {}
    std::vector<float> weight_first, weight_second, bias_first, bias_second;
  };
  struct Batch {
    Batch(size_t rows, size_t dim)
        : z(rows, dim),
          units(rows, dim),
          hidden(rows, dim),
          out(rows, dim),
          hidden_gradient(rows, dim) {}
    Matrix z, units, hidden;
    Matrix out;  // then its gradient
    Matrix hidden_gradient;
  };

  Layers LayersOf(const Output& output) const;
  Result<double> ErrorOf(const Layers& layers) const;
  void FixOutput();
  void OutputGradient(const Permutation& order, size_t begin, size_t count);
  void Step(const Permutation& order, size_t begin, size_t count);

  const TransformPairs& pairs_;
  const TransformTrainOptions& options_;
  const size_t dim_;
  const double rate_;
  const double decay_;
  RefineFeatures features_;
  const std::vector<float> start_;  // W as it began: weight decay pulls to it
  Output output_;
  std::vector<float> passing_;     // the affine map of z, which W does not touch, out by in
  std::vector<float> hidden_out_;  // V
  std::vector<float> constant_;
  AdamMoments moments_;
  Batch batch_;
  std::vector<float> weight_gradient_;
  std::unique_ptr<Engine> engine_;
  uint64_t steps_ = 0;
};

Layers Refiner::LayersOf(const Output& output) const {
  Layers layers;
  layers.layers.push_back(features_.Export());
  Layer last;
  last.shape = {static_cast<uint32_t>(2 * dim_), static_cast<uint32_t>(dim_),
                pairs_.non_negative ? Activation::kRelu : Activation::kNone, true};
  last.weight.resize(2 * dim_ * dim_);
  for (size_t in = 0; in < 2 * dim_; ++in) {
    for (size_t out = 0; out < dim_; ++out) {
      last.weight[out * 2 * dim_ + in] = static_cast<float>(output.slopes[in * dim_ + out]);
    }
  }
  last.bias.assign(output.constant.begin(), output.constant.end());
  layers.layers.push_back(std::move(last));
  return layers;
}

// Mean over pairs and dimensions; infinite when the layers are not finite.
Result<double> Refiner::ErrorOf(const Layers& layers) const {
  if (!layers.Validate().ok()) return std::numeric_limits<double>::infinity();
  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(layers));
  Matrix mapped(pairs_.held_out_z.rows(), dim_);
  AUGSTORE_TRY(engine_->Apply(network, pairs_.held_out_z.view(), mapped.view()));
  const std::vector<double> errors =
      SquaredDistances(std::as_const(mapped).view(), pairs_.held_out_target.view());
  return std::accumulate(errors.begin(), errors.end(), 0.0) /
         static_cast<double>(errors.size() * dim_);
}

Result<double> Refiner::Start(FittedTransform* start) const {
  *start = Export();
  return ErrorOf(start->layers);
}

FittedTransform Refiner::Export() const {
  FittedTransform fitted;
  fitted.layers = LayersOf(output_);
  fitted.notes = fmt::format("lambda={:.4g}", std::pow(10, output_.exponent));
  return fitted;
}

// From the last λ on, uphill or downhill while that helps.
Result<double> Refiner::HeldOutError() {
  using Search = LambdaSearch<Output>;
  const ConstMatrixView z = pairs_.train_z.view();
  const PairMoments moments(
      2 * dim_,
      [&](size_t begin, MatrixView out) { features_.Fill(z.Slice(begin, out.rows), out); }, z,
      pairs_.train_target.view());
  Status failed;
  Search search([&](double lambda) -> std::optional<Search::Tried> {
    std::optional<std::vector<double>> slopes = SolveRidge(moments, lambda);
    if (!slopes) return std::nullopt;
    Output output = MakeOutput(moments, std::move(*slopes));
    const Result<double> error = ErrorOf(LayersOf(output));
    if (!error.ok()) failed = error.status();
    if (!error.ok()) return std::nullopt;
    return Search::Tried{std::move(output), *error};
  });
  search.Walk(output_.exponent, kLambdaStep, kMaxLambdaSteps);
  AUGSTORE_TRY(failed);
  if (!search.best()) return std::numeric_limits<double>::infinity();
  output_ = std::move(search.best()->fit);
  output_.exponent = search.best()->exponent;
  return search.best()->error;
}

// The output weights as Step reads them: out by in, and the constant with what the offsets add.
void Refiner::FixOutput() {
  std::vector<double> constant = output_.constant;
  for (size_t in = 0; in < dim_; ++in) {
    for (size_t out = 0; out < dim_; ++out) {
      const double through = output_.slopes[in * dim_ + out] / features_.scale();
      passing_[out * dim_ + in] = static_cast<float>(through);
      hidden_out_[out * dim_ + in] = static_cast<float>(output_.slopes[(dim_ + in) * dim_ + out]);
      constant[out] += through * features_.offset()[in];
    }
  }
  constant_.assign(constant.begin(), constant.end());
}

// Gathers `count` pairs and computes the gradient of half their mean squared error, in units of
// scale², by the outputs; a clamped output has none.
void Refiner::OutputGradient(const Permutation& order, size_t begin, size_t count) {
  for (size_t row = 0; row < count; ++row) {
    const auto pair = static_cast<size_t>(order.At(begin + row));
    const std::span<const float> z = pairs_.train_z.row(pair);
    std::copy(z.begin(), z.end(), batch_.z.row(row).begin());
    features_.ToUnits(z, batch_.units.row(row));
    for (size_t i = 0; i < dim_; ++i) batch_.out.row(row)[i] = z[i] + constant_[i];
  }
  features_.Hidden(batch_.units, count, &batch_.hidden);
  Product(batch_.z, count, passing_.data(), dim_, 1, &batch_.out);
  Product(batch_.hidden, count, hidden_out_.data(), dim_, 1, &batch_.out);
  const float weight = 1 / (static_cast<float>(count) * features_.scale() * features_.scale());
  for (size_t row = 0; row < count; ++row) {
    const std::span<const float> target =
        pairs_.train_target.row(static_cast<size_t>(order.At(begin + row)));
    for (size_t i = 0; i < dim_; ++i) {
      float& value = batch_.out.row(row)[i];
      const bool clamped = pairs_.non_negative && value < 0;
      value = clamped ? 0 : (value - target[i]) * weight;
    }
  }
}

void Refiner::Step(const Permutation& order, size_t begin, size_t count) {
  OutputGradient(order, begin, count);
  const auto d = static_cast<int64_t>(dim_);
  const auto rows = static_cast<int64_t>(count);
  Gemm(false, false, rows, d, d, batch_.out.data(), d, hidden_out_.data(), d, 0,
       batch_.hidden_gradient.data(), d);
  std::vector<float> bias_gradient(dim_);
  for (size_t i = 0; i < count * dim_; ++i) {
    float& gradient = batch_.hidden_gradient.data()[i];
    if (batch_.hidden.data()[i] == 0) gradient = 0;
    bias_gradient[i % dim_] += gradient;
  }
  Gemm(true, false, d, d, rows, batch_.hidden_gradient.data(), d, batch_.units.data(), d, 0,
       weight_gradient_.data(), d);
  const OptimizerStep step(OptimizerKind::kAdamW, rate_, decay_, ++steps_);
  std::vector<float>& weight = features_.weight();
  UpdateParameters(step, weight_gradient_, weight.data(), moments_.weight_first.data(),
                   moments_.weight_second.data());
  if (decay_ > 0) {
    for (size_t i = 0; i < weight.size(); ++i) weight[i] += (1 - step.keep) * start_[i];
  }
  UpdateParameters(step, bias_gradient, features_.bias().data(), moments_.bias_first.data(),
                   moments_.bias_second.data());
}

uint32_t Refiner::Advance(uint32_t epoch) {
  FixOutput();
  const size_t pairs = pairs_.train_z.rows();
  for (uint32_t i = 0; i < kEpochsPerTurn && epoch < options_.max_epochs; ++i) {
    const Permutation order(pairs, options_.seed, ++epoch);
    for (size_t begin = 0; begin < pairs; begin += options_.batch_size) {
      Step(order, begin, std::min<size_t>(options_.batch_size, pairs - begin));
    }
  }
  return epoch;
}

}  // namespace

Result<FittedTransform> Refine(const TransformPairs& pairs, const TransformTrainOptions& options,
                               const PairMoments& moments, const AffineFit& ridge,
                               const TransformProgressCallback& progress) {
  Refiner refiner(pairs, options, moments, ridge);
  EpochPlan plan;
  plan.family = options.family;
  plan.learning_rate = refiner.rate();
  plan.max_epochs = options.max_epochs;
  plan.patience = options.patience;
  plan.start.emplace();
  AUGSTORE_ASSIGN(plan.start_error, refiner.Start(&*plan.start));
  return TrainEpochs(refiner, std::move(plan), pairs, progress);
}

}  // namespace augstore
