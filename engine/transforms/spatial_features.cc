#include "engine/transforms/spatial_features.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace augstore {
namespace {

// Their patches and tensors stay in the second-level cache.
constexpr size_t kBlockImages = 8;

// The kernel's weights in the order of a patch: row, column, channel. A sum that joins another
// tensor before the activation is finished after the product.
Layer PatchLayer(const Conv& conv) {
  const size_t area = size_t{conv.kernel} * conv.kernel;
  Layer layer;
  layer.shape.in = static_cast<uint32_t>(area * conv.in);
  layer.shape.out = conv.out;
  layer.shape.activation = conv.add ? Activation::kNone : conv.activation;
  layer.weight.resize(conv.weight.size());
  for (size_t out = 0; out < conv.out; ++out) {
    for (size_t in = 0; in < conv.in; ++in) {
      for (size_t at = 0; at < area; ++at) {
        layer.weight[(out * area + at) * conv.in + in] =
            conv.weight[(out * conv.in + in) * area + at];
      }
    }
  }
  layer.bias = conv.bias;
  return layer;
}

void Resize(Matrix* matrix, size_t rows, size_t cols) {
  if (matrix->rows() != rows || matrix->cols() != cols) *matrix = Matrix(rows, cols);
}

void AddTo(const Matrix& other, Activation activation, Matrix* sum) {
  float* const values = sum->data();
  for (size_t i = 0; i < sum->rows() * sum->cols(); ++i) {
    const float value = values[i] + other.data()[i];
    values[i] = activation == Activation::kRelu && value < 0 ? 0 : value;
  }
}

void MeanOverCells(const Matrix& tensor, size_t cells, MatrixView out) {
  for (size_t image = 0; image < out.rows; ++image) {
    float* const mean = out.row(image).data();
    std::fill_n(mean, out.cols, 0.0F);
    for (size_t cell = 0; cell < cells; ++cell) {
      const float* const values = tensor.row(image * cells + cell).data();
      for (size_t c = 0; c < out.cols; ++c) mean[c] += values[c];
    }
    for (size_t c = 0; c < out.cols; ++c) mean[c] /= static_cast<float>(cells);
  }
}

}  // namespace

Result<std::shared_ptr<const SpatialFeatures>> SpatialFeatures::Make(SpatialFront front) {
  AUGSTORE_TRY(front.Validate());
  std::shared_ptr<SpatialFeatures> made(new SpatialFeatures);
  made->shapes_.input = front.feature_map;
  made->features_ = front.features();
  made->multiply_adds_ = front.MultiplyAdds();
  for (uint32_t i = 0; i <= front.convs.size(); ++i) {
    made->shapes_.tensors.push_back(front.ShapeOf(i));
  }
  const uint64_t cells = front.feature_map.cells();
  for (size_t i = 0; i < front.mix.size(); ++i) {
    if (front.mix[i] == 0) continue;
    made->taps_.push_back(
        {static_cast<uint32_t>(i / cells), static_cast<uint32_t>(i % cells), front.mix[i]});
  }
  for (Conv& conv : front.convs) {
    Layers layers;
    layers.layers.push_back(PatchLayer(conv));
    AUGSTORE_ASSIGN(NetworkPtr network, MakeNetwork(std::move(layers)));
    conv.weight.clear();
    conv.bias.clear();
    made->convs_.push_back({std::move(conv), std::move(network)});
  }
  return std::shared_ptr<const SpatialFeatures>(std::move(made));
}

Status SpatialFeatures::Apply(Engine& engine, ConstMatrixView feature_maps, MatrixView out,
                              SpatialScratch* scratch) const {
  AUGSTORE_CHECK(feature_maps.rows == out.rows);
  if (feature_maps.cols != feature_map().values() || out.cols != features_) {
    return InvalidArgument("maps of {} become {} features: {} x {} and {} x {} were given",
                           feature_map().ToString(), features_, feature_maps.rows,
                           feature_maps.cols, out.rows, out.cols);
  }
  scratch->tensors.resize(std::max(scratch->tensors.size(), convs_.size() + 1));
  for (size_t begin = 0; begin < feature_maps.rows; begin += kBlockImages) {
    const size_t rows = std::min(kBlockImages, feature_maps.rows - begin);
    AUGSTORE_TRY(
        ApplyBlock(engine, feature_maps.Slice(begin, rows), out.Slice(begin, rows), scratch));
  }
  return OkStatus();
}

Status SpatialFeatures::ApplyBlock(Engine& engine, ConstMatrixView feature_maps, MatrixView out,
                                   SpatialScratch* scratch) const {
  Mix(feature_maps, &scratch->tensors[0]);
  for (size_t i = 1; i <= convs_.size(); ++i) {
    AUGSTORE_TRY(ApplyConv(engine, i, feature_maps.rows, scratch));
  }
  const Matrix& last = scratch->tensors[convs_.size()];
  if (convs_.empty()) {
    std::memcpy(out.data, last.data(), out.rows * out.cols * sizeof(float));
  } else {
    MeanOverCells(last, shapes_.tensors[convs_.size()].cells(), out);
  }
  return OkStatus();
}

void SpatialFeatures::Mix(ConstMatrixView feature_maps, Matrix* mixed) const {
  const FeatureMapShape& shape = shapes_.tensors[0];
  const size_t channels = shape.channels;
  Resize(mixed, feature_maps.rows * shape.cells(), channels);
  std::fill_n(mixed->data(), mixed->rows() * channels, 0.0F);
  for (size_t image = 0; image < feature_maps.rows; ++image) {
    const float* const feature_map = feature_maps.row(image).data();
    float* const out = mixed->row(image * shape.cells()).data();
    for (const Tap& tap : taps_) {
      const float* const from = feature_map + tap.from * channels;
      float* const to = out + tap.to * channels;
      for (size_t c = 0; c < channels; ++c) to[c] += tap.weight * from[c];
    }
  }
}

Status SpatialFeatures::ApplyConv(Engine& engine, size_t number, size_t images,
                                  SpatialScratch* scratch) const {
  const Step& step = convs_[number - 1];
  const Matrix& source = scratch->tensors[step.plan.source];
  Matrix& target = scratch->tensors[number];
  Resize(&target, images * shapes_.tensors[number].cells(), step.plan.out);
  if (step.plan.kernel == 1 && step.plan.stride == 1) {
    AUGSTORE_TRY(engine.Apply(step.network, source.view(), target.view()));
  } else {
    FillPatches(number, images, source, &scratch->patches);
    AUGSTORE_TRY(engine.Apply(step.network, std::as_const(scratch->patches).view(), target.view()));
  }
  if (step.plan.add) AddTo(scratch->tensors[*step.plan.add], step.plan.activation, &target);
  return OkStatus();
}

void SpatialFeatures::FillPatches(size_t number, size_t images, const Matrix& source,
                                  Matrix* patches) const {
  const Conv& conv = convs_[number - 1].plan;
  const FeatureMapShape& from = shapes_.tensors[conv.source];
  const FeatureMapShape& to = shapes_.tensors[number];
  const size_t channels = from.channels;
  const int64_t border = conv.kernel / 2;
  Resize(patches, images * to.cells(), size_t{conv.kernel} * conv.kernel * channels);
  float* patch = patches->data();
  for (size_t image = 0; image < images; ++image) {
    for (int64_t y = 0; y < to.height; ++y) {
      for (int64_t x = 0; x < to.width; ++x) {
        for (int64_t k = 0; k < int64_t{conv.kernel} * conv.kernel; ++k, patch += channels) {
          const int64_t row = y * conv.stride + k / conv.kernel - border;
          const int64_t col = x * conv.stride + k % conv.kernel - border;
          if (row < 0 || row >= from.height || col < 0 || col >= from.width) {
            std::fill_n(patch, channels, 0.0F);
          } else {
            const size_t cell = static_cast<size_t>(row * from.width + col);
            std::memcpy(patch, source.row(image * from.cells() + cell).data(),
                        channels * sizeof(float));
          }
        }
      }
    }
  }
}

}  // namespace augstore
