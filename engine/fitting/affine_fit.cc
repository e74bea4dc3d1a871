#include "engine/fitting/affine_fit.h"

#include <algorithm>
#include <utility>

#include "engine/math/lambda_search.h"
#include "engine/math/onednn_gemm.h"

namespace augstore {
namespace {

constexpr size_t kBlockRows = 1024;  // of one product in float, before it is added in double
// Of the mean variance: a dimension that varies less has no slope.
constexpr double kLeastVariance = 1e-9;

void AddColumns(ConstMatrixView rows, std::vector<double>* sums) {
  for (size_t row = 0; row < rows.rows; ++row) {
    const float* values = rows.row(row).data();
    for (size_t i = 0; i < rows.cols; ++i) (*sums)[i] += values[i];
  }
}

void SubtractFromRows(const std::vector<double>& mean, MatrixView rows) {
  for (size_t row = 0; row < rows.rows; ++row) {
    float* values = rows.row(row).data();
    for (size_t i = 0; i < rows.cols; ++i) values[i] = static_cast<float>(values[i] - mean[i]);
  }
}

// sum += left' right.
void AddProduct(ConstMatrixView left, ConstMatrixView right, Matrix* product,
                std::vector<double>* sum) {
  const auto m = static_cast<int64_t>(left.cols);
  const auto n = static_cast<int64_t>(right.cols);
  Gemm(true, false, m, n, static_cast<int64_t>(left.rows), left.data, m, right.data, n, 0,
       product->data(), n);
  for (size_t i = 0; i < sum->size(); ++i) (*sum)[i] += product->data()[i];
}

InputRows RowsOf(ConstMatrixView z) {
  return [z](size_t begin, MatrixView out) {
    std::copy_n(z.data + begin * z.cols, out.rows * out.cols, out.data);
  };
}

double MeanSquaredError(const Layer& layer, ConstMatrixView inputs, ConstMatrixView z_target,
                        Matrix* mapped) {
  const size_t dim = z_target.cols;
  const auto columns = static_cast<int64_t>(inputs.cols);
  for (size_t row = 0; row < inputs.rows; ++row) {
    std::copy_n(layer.bias.data(), dim, mapped->row(row).data());
  }
  Gemm(false, true, static_cast<int64_t>(inputs.rows), static_cast<int64_t>(dim), columns,
       inputs.data, columns, layer.weight.data(), columns, 1, mapped->data(),
       static_cast<int64_t>(dim));
  const bool relu = layer.shape.activation == Activation::kRelu;
  double sum = 0;
  for (size_t i = 0; i < inputs.rows * dim; ++i) {
    const float value = mapped->data()[i];
    const double error = double{relu && value < 0 ? 0 : value} - z_target.data[i];
    sum += error * error;
  }
  return sum / static_cast<double>(inputs.rows * dim);
}

// X'(D - X S), where S has the slopes of a diagonal map.
std::vector<double> Remaining(const PairMoments& moments, const std::vector<double>& diagonal) {
  std::vector<double> cross = moments.cross;
  for (size_t in = 0; in < moments.inputs; ++in) {
    for (size_t out = 0; out < moments.dim; ++out) {
      cross[in * moments.dim + out] -= moments.gram[in * moments.inputs + out] * diagonal[out];
    }
  }
  return cross;
}

std::optional<std::vector<double>> AddDiagonal(std::optional<std::vector<double>> slopes,
                                               const std::vector<double>& diagonal) {
  if (!slopes) return std::nullopt;
  for (size_t i = 0; i < diagonal.size(); ++i) (*slopes)[i * diagonal.size() + i] += diagonal[i];
  return slopes;
}

}  // namespace

PairMoments::PairMoments(ConstMatrixView z, ConstMatrixView z_target)
    : PairMoments(z.cols, RowsOf(z), z, z_target) {}

PairMoments::PairMoments(size_t input_columns, const InputRows& rows, ConstMatrixView z,
                         ConstMatrixView z_target)
    : inputs(input_columns),
      dim(z.cols),
      mean(inputs),
      mean_shift(dim),
      gram(inputs * inputs),
      cross(inputs * dim) {
  Matrix input_block(kBlockRows, inputs);
  Matrix shift_block(kBlockRows, dim);
  Matrix product(inputs, std::max(inputs, dim));
  const auto for_blocks = [&](const auto& visit) {
    for (size_t begin = 0; begin < z.rows; begin += kBlockRows) {
      const size_t count = std::min(kBlockRows, z.rows - begin);
      rows(begin, input_block.view().Slice(0, count));
      for (size_t i = 0; i < count * dim; ++i) {
        shift_block.data()[i] = z_target.data[begin * dim + i] - z.data[begin * dim + i];
      }
      visit(input_block.view().Slice(0, count), shift_block.view().Slice(0, count));
    }
  };
  for_blocks([&](MatrixView of_inputs, MatrixView of_shifts) {
    AddColumns(of_inputs, &mean);
    AddColumns(of_shifts, &mean_shift);
  });
  for (double& value : mean) value /= static_cast<double>(z.rows);
  for (double& value : mean_shift) value /= static_cast<double>(z.rows);
  for_blocks([&](MatrixView of_inputs, MatrixView of_shifts) {
    SubtractFromRows(mean, of_inputs);
    SubtractFromRows(mean_shift, of_shifts);
    AddProduct(of_inputs, of_inputs, &product, &gram);
    AddProduct(of_inputs, of_shifts, &product, &cross);
  });
  double trace = 0;
  for (size_t i = 0; i < inputs; ++i) trace += gram[i * inputs + i];
  mean_eigenvalue = trace / static_cast<double>(inputs);
}

std::vector<double> DiagonalSlopes(const PairMoments& moments) {
  std::vector<double> slopes(moments.dim);
  for (size_t i = 0; i < moments.dim; ++i) {
    const double variance = moments.gram[i * moments.inputs + i];
    if (variance > kLeastVariance * moments.mean_eigenvalue) {
      slopes[i] = moments.cross[i * moments.dim + i] / variance;
    }
  }
  return slopes;
}

RidgeProblem::RidgeProblem(const PairMoments& moments)
    : moments_(moments),
      diagonal_(DiagonalSlopes(moments)),
      system_(moments.gram, Remaining(moments, diagonal_), moments.inputs) {}

std::optional<std::vector<double>> RidgeProblem::Solve(double lambda) const {
  return AddDiagonal(system_.Solve(lambda * moments_.mean_eigenvalue), diagonal_);
}

std::optional<std::vector<double>> SolveRidge(const PairMoments& moments, double lambda) {
  const std::vector<double> diagonal = DiagonalSlopes(moments);
  return AddDiagonal(SolveShifted(moments.gram, Remaining(moments, diagonal), moments.inputs,
                                  lambda * moments.mean_eigenvalue),
                     diagonal);
}

Layer AffineLayer(const PairMoments& moments, std::span<const double> slopes, bool relu) {
  const size_t dim = moments.dim;
  Layer layer;
  layer.shape.in = static_cast<uint32_t>(moments.inputs);
  layer.shape.out = static_cast<uint32_t>(dim);
  layer.shape.activation = relu ? Activation::kRelu : Activation::kNone;
  layer.weight.resize(dim * moments.inputs);
  layer.bias.resize(dim);
  std::vector<double> bias = moments.mean_shift;
  for (size_t in = 0; in < moments.inputs; ++in) {
    for (size_t out = 0; out < dim; ++out) {
      const double slope = slopes[in * dim + out];
      bias[out] -= slope * moments.mean[in];
      layer.weight[out * moments.inputs + in] = static_cast<float>(slope + (in == out ? 1 : 0));
    }
  }
  for (size_t out = 0; out < dim; ++out) layer.bias[out] = static_cast<float>(bias[out]);
  return layer;
}

Layer DiagonalLayer(std::vector<float> weight, std::vector<float> bias, bool relu) {
  Layer layer;
  layer.shape.in = layer.shape.out = static_cast<uint32_t>(weight.size());
  layer.shape.kind = LayerKind::kDiagonal;
  layer.shape.activation = relu ? Activation::kRelu : Activation::kNone;
  layer.weight = std::move(weight);
  layer.bias = std::move(bias);
  return layer;
}

Result<AffineFit> FitAffine(const PairMoments& moments, ConstMatrixView held_out_inputs,
                            ConstMatrixView held_out_target, bool relu) {
  using Search = LambdaSearch<std::vector<double>>;
  const RidgeProblem problem(moments);
  Matrix mapped(held_out_target.rows, held_out_target.cols);
  Search search([&](double lambda) -> std::optional<Search::Tried> {
    std::optional<std::vector<double>> slopes = problem.Solve(lambda);
    if (!slopes) return std::nullopt;
    const Layer layer = AffineLayer(moments, *slopes, relu);
    const double error = MeanSquaredError(layer, held_out_inputs, held_out_target, &mapped);
    return Search::Tried{std::move(*slopes), error};
  });
  search.Grid(3, -6, {0.5, 0.25});
  if (!search.best()) {
    return InvalidArgument(
        "no ridge penalty from 1e-6 to 1e3 can be solved for pairs of {} dimensions: the "
        "embeddings do not differ from each other, give pairs of different images",
        moments.dim);
  }
  Search::Best& best = *search.best();
  return AffineFit{std::move(best.fit), best.lambda, best.error};
}

}  // namespace augstore
