#include "engine/conditional/conditional_ridge.h"

#include <algorithm>
#include <cmath>

#include "engine/math/eigen_shifted_system.h"
#include "engine/math/onednn_gemm.h"

namespace augstore {
namespace {

constexpr size_t kBlockRows = 1024;  // of one product in float, before it is added in double
constexpr double kOnesScale = 30;    // in units of z's root mean square

}  // namespace

CentredInputs::CentredInputs(ConstMatrixView z) : mean(z.cols), x(z.rows, z.cols + 1) {
  double squares = 0;
  for (size_t i = 0; i < z.rows; ++i) {
    for (size_t c = 0; c < z.cols; ++c) mean[c] += z.row(i)[c];
  }
  for (double& value : mean) value /= static_cast<double>(z.rows);
  for (size_t i = 0; i < z.rows; ++i) {
    for (size_t c = 0; c < z.cols; ++c) {
      const double centred = z.row(i)[c] - mean[c];
      squares += centred * centred;
      x.row(i)[c] = static_cast<float>(centred);
    }
  }
  ones = kOnesScale * std::sqrt(squares / static_cast<double>(z.rows * z.cols));
  if (!(ones > 0)) ones = 1;
  for (size_t i = 0; i < z.rows; ++i) x.row(i)[z.cols] = static_cast<float>(ones);
}

OpRidge::OpRidge(const CentredInputs& inputs, ConstMatrixView z, const ConditionalPairs& pairs,
                 const OpViews& train, size_t features)
    : inputs_(inputs),
      z_(z),
      pairs_(pairs),
      k_(features),
      width_(z.cols + 1),
      size_(features * (z.cols + 1)) {
  scale_.assign(k_, 0);
  for (size_t v = 0; v < train.views.size(); ++v) {
    for (size_t p = 0; p < k_; ++p) {
      scale_[p] += double{train.features[v * k_ + p]} * train.features[v * k_ + p];
    }
  }
  for (double& value : scale_) {
    value = std::sqrt(value / static_cast<double>(train.views.size()));
    if (!(value > 0)) value = 1;  // a feature that never occurs keeps an affine map of zeros
  }
  gram_.assign(size_ * size_, 0);
  cross_.assign(size_ * z_.cols, 0);
  for (size_t p = 0; p < k_; ++p) {
    AddCross(train, p);
    for (size_t q = 0; q <= p; ++q) AddGram(train, p, q);
  }
  double trace = 0;
  for (size_t p = 0; p < k_; ++p) {
    for (size_t c = 0; c + 1 < width_; ++c) {
      trace += gram_[(p * width_ + c) * size_ + p * width_ + c];
    }
  }
  mean_eigenvalue_ = trace / static_cast<double>(k_ * (width_ - 1));
}

std::optional<std::vector<Layer>> OpRidge::Solve(double lambda) const {
  const auto solved = SolveShifted(gram_, cross_, size_, lambda * mean_eigenvalue_);
  if (!solved) return std::nullopt;
  const size_t d = z_.cols;
  std::vector<Layer> maps(k_);
  for (size_t p = 0; p < k_; ++p) {
    Layer& map = maps[p];
    map.shape.in = map.shape.out = static_cast<uint32_t>(d);
    map.weight.resize(d * d);
    std::vector<double> bias(d);
    const double* rows = solved->data() + p * width_ * d;
    for (size_t out = 0; out < d; ++out) {
      bias[out] = inputs_.ones * rows[d * d + out] / scale_[p];
    }
    for (size_t in = 0; in < d; ++in) {
      for (size_t out = 0; out < d; ++out) {
        const double slope = rows[in * d + out] / scale_[p];
        map.weight[out * d + in] = static_cast<float>(slope);
        bias[out] -= slope * inputs_.mean[in];
      }
    }
    map.bias.assign(bias.begin(), bias.end());
  }
  return maps;
}

// Adds inputs' right, over all images, to a part of `sum`.
void OpRidge::AddProduct(const Matrix& right, double* sum, size_t stride) {
  const auto rows = static_cast<int64_t>(width_);
  const auto cols = static_cast<int64_t>(right.cols());
  Matrix product(width_, right.cols());
  for (size_t begin = 0; begin < right.rows(); begin += kBlockRows) {
    const size_t count = std::min(kBlockRows, right.rows() - begin);
    Gemm(true, false, rows, cols, static_cast<int64_t>(count), inputs_.x.row(begin).data(), rows,
         right.row(begin).data(), cols, 0, product.data(), cols);
    for (size_t i = 0; i < width_; ++i) {
      for (size_t j = 0; j < right.cols(); ++j) sum[i * stride + j] += product.row(i)[j];
    }
  }
}

// Views of one image share its row of x, so only sums of their features matter.
void OpRidge::AddGram(const OpViews& train, size_t p, size_t q) {
  std::vector<double> weights(z_.rows);
  for (size_t v = 0; v < train.views.size(); ++v) {
    weights[pairs_.images[train.views[v]]] +=
        double{train.features[v * k_ + p]} * train.features[v * k_ + q];
  }
  Matrix weighted(z_.rows, width_);
  for (size_t i = 0; i < z_.rows; ++i) {
    const auto weight = static_cast<float>(weights[i] / (scale_[p] * scale_[q]));
    for (size_t c = 0; c < width_; ++c) weighted.row(i)[c] = weight * inputs_.x.row(i)[c];
  }
  AddProduct(weighted, gram_.data() + p * width_ * size_ + q * width_, size_);
}

void OpRidge::AddCross(const OpViews& train, size_t p) {
  Matrix sums(z_.rows, z_.cols);
  std::fill_n(sums.data(), z_.rows * z_.cols, 0.0f);
  for (size_t v = 0; v < train.views.size(); ++v) {
    const size_t view = train.views[v];
    const size_t image = pairs_.images[view];
    const auto feature = static_cast<float>(train.features[v * k_ + p] / scale_[p]);
    for (size_t c = 0; c < z_.cols; ++c) {
      sums.row(image)[c] += feature * (pairs_.targets.row(view)[c] - z_.row(image)[c]);
    }
  }
  AddProduct(sums, cross_.data() + p * width_ * z_.cols, z_.cols);
}

}  // namespace augstore
