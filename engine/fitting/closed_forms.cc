#include "engine/fitting/closed_forms.h"

#include <algorithm>
#include <utility>

#include "engine/kernels/engine.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/bootstrap.h"
#include "engine/math/eigen_decompose.h"
#include "engine/transforms/cell_mix.h"
#include "engine/transforms/spatial_features.h"

namespace augstore {
namespace {

// z -> z + V B'(z - mean) + mean_shift, where B and V are the first `rank` columns of `left` and
// `right` (d x d).
Layers LowRankLayers(const PairMoments& moments, const std::vector<double>& left,
                     const std::vector<double>& right, size_t rank, bool relu) {
  const size_t dim = moments.dim;
  Layers layers;
  layers.layers.resize(2);
  Layer& down = layers.layers[0];
  Layer& up = layers.layers[1];
  down.shape.in = up.shape.out = static_cast<uint32_t>(dim);
  down.shape.out = up.shape.in = static_cast<uint32_t>(rank);
  up.shape.residual = true;
  up.shape.activation = relu ? Activation::kRelu : Activation::kNone;
  down.weight.resize(rank * dim);
  up.weight.resize(dim * rank);
  std::vector<double> bias(rank);
  for (size_t i = 0; i < dim; ++i) {
    for (size_t k = 0; k < rank; ++k) {
      down.weight[k * dim + i] = static_cast<float>(left[i * dim + k]);
      up.weight[i * rank + k] = static_cast<float>(right[i * dim + k]);
      bias[k] -= left[i * dim + k] * moments.mean[i];
    }
  }
  down.bias.assign(bias.begin(), bias.end());
  up.bias.assign(moments.mean_shift.begin(), moments.mean_shift.end());
  return layers;
}

}  // namespace

ClosedForms::ClosedForms(const TransformPairs& pairs) : pairs_(pairs) {}

const PairMoments& ClosedForms::moments() {
  if (!moments_) moments_.emplace(pairs_.train_z.view(), pairs_.train_target.view());
  return *moments_;
}

Result<const AffineFit*> ClosedForms::Ridge() {
  if (!ridge_) {
    AUGSTORE_ASSIGN(ridge_, FitAffine(moments(), pairs_.held_out_z.view(),
                                      pairs_.held_out_target.view(), pairs_.non_negative));
  }
  return &*ridge_;
}

FittedTransform ClosedForms::Identity() const {
  const size_t dim = pairs_.train_z.cols();
  FittedTransform fitted;
  fitted.layers.layers.push_back(
      DiagonalLayer(std::vector<float>(dim, 1.0F), std::vector<float>(dim, 0.0F), false));
  return fitted;
}

FittedTransform ClosedForms::Shift() { return WithSlopes(std::vector<double>(moments().dim)); }

FittedTransform ClosedForms::Diagonal() { return WithSlopes(DiagonalSlopes(moments())); }

FittedTransform ClosedForms::WithSlopes(const std::vector<double>& slopes) {
  std::vector<float> weight(slopes.size());
  std::vector<float> bias(slopes.size());
  for (size_t i = 0; i < slopes.size(); ++i) {
    weight[i] = static_cast<float>(1 + slopes[i]);
    bias[i] = static_cast<float>(moments().mean_shift[i] - slopes[i] * moments().mean[i]);
  }
  FittedTransform fitted;
  fitted.layers.layers.push_back(
      DiagonalLayer(std::move(weight), std::move(bias), pairs_.non_negative));
  return fitted;
}

FittedTransform ClosedForms::Procrustes() {
  const size_t dim = moments().dim;
  std::vector<double> product = moments().gram;  // X'Y, where Y = X + D are the centred z'
  for (size_t i = 0; i < product.size(); ++i) product[i] += moments().cross[i];
  std::vector<double> slopes = OrthogonalFactor(product, dim);
  for (size_t i = 0; i < dim; ++i) slopes[i * dim + i] -= 1;
  FittedTransform fitted;
  fitted.layers.layers.push_back(AffineLayer(moments(), slopes, pairs_.non_negative));
  return fitted;
}

Result<FittedTransform> ClosedForms::Affine() {
  AUGSTORE_ASSIGN(const AffineFit* ridge, Ridge());
  FittedTransform fitted;
  fitted.layers.layers.push_back(AffineLayer(moments(), ridge->slopes, pairs_.non_negative));
  fitted.notes = fmt::format("lambda={:.4g}", ridge->lambda);
  return fitted;
}

// Reduced-rank regression (A. Izenman, "Reduced-rank regression for the multivariate linear model",
// J. Multivariate Anal. 5, 1975) with the ridge map A in place of the least squares one: A followed
// by the projection on the first principal components of its outputs, the eigenvectors of A'X'XA.
Result<FittedTransform> ClosedForms::LowRank() {
  AUGSTORE_ASSIGN(const AffineFit* ridge, Ridge());
  const std::vector<double>& slopes = ridge->slopes;
  const size_t dim = moments().dim;
  const SymmetricEigen fitted = DecomposeSymmetric(
      Multiply(true, slopes, Multiply(false, moments().gram, slopes, dim, dim, dim), dim, dim, dim),
      dim);
  const std::vector<double> left = Multiply(false, slopes, fitted.vectors, dim, dim, dim);
  const std::unique_ptr<Engine> engine = NewTileEngine();
  Matrix mapped(pairs_.held_out_z.rows(), dim);
  FittedTransform best;
  double best_error = 0;
  for (size_t rank = std::max<size_t>(1, dim / 64); rank <= std::max<size_t>(1, dim / 4);
       rank *= 2) {
    Layers layers = LowRankLayers(moments(), left, fitted.vectors, rank, pairs_.non_negative);
    AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(layers));
    AUGSTORE_TRY(engine->Apply(network, pairs_.held_out_z.view(), mapped.view()));
    double error = 0;
    for (const double of_pair :
         SquaredDistances(std::as_const(mapped).view(), pairs_.held_out_target.view())) {
      error += of_pair;
    }
    if (!best.layers.layers.empty() && error >= best_error) continue;
    best_error = error;
    best.layers = std::move(layers);
    best.notes = fmt::format("rank={} lambda={:.4g}", rank, ridge->lambda);
  }
  return best;
}

namespace {

// [z, features] of every row.
Result<Matrix> Joined(const SpatialFeatures& features, ConstMatrixView z,
                      ConstMatrixView feature_maps) {
  Matrix found(z.rows, features.features());
  SpatialScratch scratch;
  AUGSTORE_TRY(features.Apply(*NewTileEngine(), feature_maps, found.view(), &scratch));
  Matrix joined(z.rows, z.cols + found.cols());
  for (size_t i = 0; i < z.rows; ++i) {
    std::ranges::copy(z.row(i), joined.row(i).begin());
    std::ranges::copy(found.row(i), joined.row(i).subspan(z.cols).begin());
  }
  return joined;
}

}  // namespace

// Means over the quarters of the feature map are what is left of its geometry after pooling: a flip
// moves them, and a linear map can learn where to.
Result<FittedTransform> ClosedForms::Pooled() {
  AUGSTORE_CHECK(pairs_.train_feature_maps.rows() == pairs_.train_z.rows());
  const uint32_t height = std::min(2u, pairs_.feature_map.height),
                 width = std::min(2u, pairs_.feature_map.width);
  FittedTransform fitted;
  fitted.front = SpatialFront{pairs_.feature_map,
                              height,
                              width,
                              MakeCellMix(pairs_.feature_map, height, width, nullptr, 1, 1),
                              {}};
  AUGSTORE_ASSIGN(const SpatialFeaturesPtr features, SpatialFeatures::Make(*fitted.front));
  AUGSTORE_ASSIGN(const Matrix train,
                  Joined(*features, pairs_.train_z.view(), pairs_.train_feature_maps.view()));
  AUGSTORE_ASSIGN(const Matrix held_out,
                  Joined(*features, pairs_.held_out_z.view(), pairs_.held_out_feature_maps.view()));
  const InputRows rows = [&train](size_t begin, MatrixView out) {
    std::copy_n(train.row(begin).data(), out.rows * out.cols, out.data);
  };
  const PairMoments moments(train.cols(), rows, pairs_.train_z.view(), pairs_.train_target.view());
  AUGSTORE_ASSIGN(
      const AffineFit fit,
      FitAffine(moments, held_out.view(), pairs_.held_out_target.view(), pairs_.non_negative));
  fitted.layers.layers.push_back(AffineLayer(moments, fit.slopes, pairs_.non_negative));
  fitted.notes = fmt::format("lambda={:.4g}", fit.lambda);
  return fitted;
}

}  // namespace augstore
