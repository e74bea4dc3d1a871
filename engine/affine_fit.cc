#include "engine/affine_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/onednn_gemm.h"

namespace augstore {
namespace {

constexpr size_t kBlockRows = 1024;  // of one product in float, before it is added in double
constexpr size_t kPanelColumns =
    64;  // right-hand sides solved together: their panel stays in the cache

// Column means of z, and of z_target - z.
void Means(ConstMatrixView z, ConstMatrixView z_target, std::vector<double>* mean,
           std::vector<double>* mean_shift) {
  for (size_t row = 0; row < z.rows; ++row) {
    const float* from = z.row(row).data();
    const float* to = z_target.row(row).data();
    for (size_t i = 0; i < z.cols; ++i) {
      (*mean)[i] += from[i];
      (*mean_shift)[i] += double{to[i]} - from[i];
    }
  }
  for (double& value : *mean) value /= static_cast<double>(z.rows);
  for (double& value : *mean_shift) value /= static_cast<double>(z.rows);
}

// Lower Cholesky factor in place (row-major; the upper triangle is left as it was). False when not
// positive definite.
bool Factorise(std::vector<double>& matrix, size_t dim) {
  const double smallest = 1e-13 * *std::max_element(matrix.begin(), matrix.end());
  for (size_t i = 0; i < dim; ++i) {
    double* row = matrix.data() + i * dim;
    for (size_t j = 0; j <= i; ++j) {
      const double* other = matrix.data() + j * dim;
      // Four partial sums: one alone would wait for each addition to finish.
      double sums[4] = {0, 0, 0, 0};
      size_t k = 0;
      for (; k + 4 <= j; k += 4) {
        for (size_t s = 0; s < 4; ++s) sums[s] += row[k + s] * other[k + s];
      }
      for (; k < j; ++k) sums[0] += row[k] * other[k];
      const double rest = row[j] - ((sums[0] + sums[1]) + (sums[2] + sums[3]));
      if (i == j) {
        if (!(rest > smallest)) return false;
        row[i] = std::sqrt(rest);
      } else {
        row[j] = rest / other[j];
      }
    }
  }
  return true;
}

// row -= Σ_k factors[k * stride] * panel row (first + k), for `count` rows of kPanelColumns.
void SubtractRows(double* row, const double* panel, const double* factors, size_t stride,
                  size_t count) {
  size_t k = 0;
  for (; k + 4 <= count; k += 4) {
    const double f0 = factors[k * stride];
    const double f1 = factors[(k + 1) * stride];
    const double f2 = factors[(k + 2) * stride];
    const double f3 = factors[(k + 3) * stride];
    const double* p = panel + k * kPanelColumns;
    for (size_t c = 0; c < kPanelColumns; ++c) {
      row[c] -= (f0 * p[c] + f1 * p[c + kPanelColumns]) +
                (f2 * p[c + 2 * kPanelColumns] + f3 * p[c + 3 * kPanelColumns]);
    }
  }
  for (; k < count; ++k) {
    const double factor = factors[k * stride];
    const double* p = panel + k * kPanelColumns;
    for (size_t c = 0; c < kPanelColumns; ++c) row[c] -= factor * p[c];
  }
}

// Solves L L' X = B in place for one panel of B (dim x kPanelColumns).
void SolvePanel(const std::vector<double>& factor, size_t dim, double* panel) {
  for (size_t i = 0; i < dim; ++i) {
    double* row = panel + i * kPanelColumns;
    SubtractRows(row, panel, factor.data() + i * dim, 1, i);
    const double scale = 1 / factor[i * dim + i];
    for (size_t c = 0; c < kPanelColumns; ++c) row[c] *= scale;
  }
  for (size_t i = dim; i-- > 0;) {
    double* row = panel + i * kPanelColumns;
    if (i + 1 < dim) {
      SubtractRows(row, row + kPanelColumns, factor.data() + (i + 1) * dim + i, dim, dim - i - 1);
    }
    const double scale = 1 / factor[i * dim + i];
    for (size_t c = 0; c < kPanelColumns; ++c) row[c] *= scale;
  }
}

double MeanSquaredError(const Layer& layer, ConstMatrixView z, ConstMatrixView z_target,
                        Matrix* mapped) {
  const size_t dim = z.cols;
  for (size_t row = 0; row < z.rows; ++row) {
    std::copy_n(layer.bias.data(), dim, mapped->row(row).data());
  }
  Gemm(false, true, static_cast<int64_t>(z.rows), static_cast<int64_t>(dim),
       static_cast<int64_t>(dim), z.data, static_cast<int64_t>(dim), layer.weight.data(),
       static_cast<int64_t>(dim), 1, mapped->data(), static_cast<int64_t>(dim));
  const bool relu = layer.shape.activation == Activation::kRelu;
  double sum = 0;
  for (size_t i = 0; i < z.rows * dim; ++i) {
    const float value = mapped->data()[i];
    const double error = double{relu && value < 0 ? 0 : value} - z_target.data[i];
    sum += error * error;
  }
  return sum / static_cast<double>(z.rows * dim);
}

// Keeps the best λ that it has seen.
class Sweep {
 public:
  Sweep(const RidgeProblem& problem, ConstMatrixView z, ConstMatrixView z_target, bool relu)
      : problem_(problem),
        z_(z),
        z_target_(z_target),
        relu_(relu),
        mapped_(z.rows, z.cols),
        pool_(ComputeThreads()) {}

  void Try(double exponent) {
    const double lambda = std::pow(10, exponent);
    std::optional<Layer> layer = problem_.Solve(lambda, pool_);
    if (!layer) return;
    if (relu_) layer->shape.activation = Activation::kRelu;
    const double error = MeanSquaredError(*layer, z_, z_target_, &mapped_);
    if (!std::isfinite(error) || (best_ && error >= best_->held_out_mse)) return;
    best_ = AffineFit{std::move(*layer), lambda, error};
    best_exponent_ = exponent;
  }
  double best_exponent() const { return best_exponent_; }
  std::optional<AffineFit>& best() { return best_; }

 private:
  const RidgeProblem& problem_;
  ConstMatrixView z_;
  ConstMatrixView z_target_;
  bool relu_;
  Matrix mapped_;
  WorkerPool pool_;
  std::optional<AffineFit> best_;
  double best_exponent_ = 0;
};

}  // namespace

RidgeProblem::RidgeProblem(ConstMatrixView z, ConstMatrixView z_target)
    : dim_(z.cols),
      mean_(z.cols),
      mean_shift_(z.cols),
      gram_(z.cols * z.cols),
      cross_(z.cols * z.cols) {
  Means(z, z_target, &mean_, &mean_shift_);
  Matrix inputs(kBlockRows, dim_);
  Matrix shifts(kBlockRows, dim_);
  Matrix product(dim_, dim_);
  const auto d = static_cast<int64_t>(dim_);
  for (size_t begin = 0; begin < z.rows; begin += kBlockRows) {
    const size_t rows = std::min(kBlockRows, z.rows - begin);
    for (size_t row = 0; row < rows; ++row) {
      const float* from = z.row(begin + row).data();
      const float* to = z_target.row(begin + row).data();
      for (size_t i = 0; i < dim_; ++i) {
        inputs.row(row)[i] = static_cast<float>(from[i] - mean_[i]);
        shifts.row(row)[i] = static_cast<float>(double{to[i]} - from[i] - mean_shift_[i]);
      }
    }
    const auto accumulate = [&](const Matrix& right, std::vector<double>& sum) {
      Gemm(true, false, d, d, static_cast<int64_t>(rows), inputs.data(), d, right.data(), d, 0,
           product.data(), d);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += product.data()[i];
    };
    accumulate(inputs, gram_);
    accumulate(shifts, cross_);
  }
}

std::optional<Layer> RidgeProblem::Solve(double lambda, WorkerPool& pool) const {
  std::vector<double> factor = gram_;
  double trace = 0;
  for (size_t i = 0; i < dim_; ++i) trace += gram_[i * dim_ + i];
  const double penalty = lambda * trace / static_cast<double>(dim_);
  for (size_t i = 0; i < dim_; ++i) factor[i * dim_ + i] += penalty;
  if (!Factorise(factor, dim_)) return std::nullopt;

  Layer layer;
  layer.shape.in = layer.shape.out = static_cast<uint32_t>(dim_);
  layer.weight.resize(dim_ * dim_);
  layer.bias.resize(dim_);
  const size_t panels = (dim_ + kPanelColumns - 1) / kPanelColumns;
  pool.Run(panels, [&](size_t index, size_t) {
    const size_t begin = index * kPanelColumns;
    const size_t columns = std::min(kPanelColumns, dim_ - begin);
    std::vector<double> panel(dim_ * kPanelColumns);
    for (size_t i = 0; i < dim_; ++i) {
      std::copy_n(cross_.data() + i * dim_ + begin, columns, panel.data() + i * kPanelColumns);
    }
    SolvePanel(factor, dim_, panel.data());
    for (size_t c = 0; c < columns; ++c) {
      const size_t out = begin + c;
      double bias = mean_shift_[out];
      for (size_t i = 0; i < dim_; ++i) {
        const double slope = panel[i * kPanelColumns + c];
        bias -= slope * mean_[i];
        layer.weight[out * dim_ + i] = static_cast<float>(slope + (i == out ? 1 : 0));
      }
      layer.bias[out] = static_cast<float>(bias);
    }
  });
  return layer;
}

Result<AffineFit> FitAffine(ConstMatrixView z, ConstMatrixView z_target, ConstMatrixView held_out_z,
                            ConstMatrixView held_out_target, bool relu) {
  const RidgeProblem problem(z, z_target);
  Sweep sweep(problem, held_out_z, held_out_target, relu);
  for (int decade = 3; decade >= -6; --decade) sweep.Try(decade);
  for (const double step : {0.5, 0.25}) {
    const double centre = sweep.best_exponent();
    sweep.Try(centre - step);
    sweep.Try(centre + step);
  }
  if (!sweep.best()) {
    return InvalidArgument(
        "no ridge penalty from 1e-6 to 1e3 can be solved for {} pairs of {} dimensions: the "
        "embeddings do not differ from each other, give pairs of different images",
        z.rows, z.cols);
  }
  return std::move(*sweep.best());
}

}  // namespace augstore
