// Networks and matrices for tests; each is a function of its arguments alone.
#ifndef AUGSTORE_TESTS_ENGINE_KERNELS_NETWORKS_H_
#define AUGSTORE_TESTS_ENGINE_KERNELS_NETWORKS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "engine/kernels/engine.h"

namespace augstore {

inline Matrix RandomMatrix(size_t rows, size_t cols, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Matrix matrix(rows, cols);
  for (size_t i = 0; i < rows * cols; ++i) matrix.data()[i] = normal(generator);
  return matrix;
}

// Normal weights, scaled so that values keep their size from layer to layer.
inline Layers RandomLayers(const std::vector<LayerShape>& shapes, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Layers layers;
  for (const LayerShape& shape : shapes) {
    Layer layer{shape, std::vector<float>(shape.weights()), std::vector<float>(shape.out)};
    for (float& weight : layer.weight)
      weight = normal(generator) / std::sqrt(static_cast<float>(shape.in));
    for (float& bias : layer.bias) bias = normal(generator);
    layers.layers.push_back(std::move(layer));
  }
  return layers;
}

inline NetworkPtr RandomNetwork(const std::vector<LayerShape>& shapes, unsigned seed = 1) {
  return MakeNetwork(RandomLayers(shapes, seed)).value();
}

// The paper's Ω and its residual form.
inline std::vector<LayerShape> MlpShapes(uint32_t dim, bool residual = false) {
  return {{dim, 2 * dim, Activation::kRelu, false},
          {2 * dim, dim, residual ? Activation::kRelu : Activation::kNone, residual}};
}

inline Matrix Copy(ConstMatrixView view) {
  Matrix matrix(view.rows, view.cols);
  std::copy(view.data, view.data + view.rows * view.cols, matrix.data());
  return matrix;
}

inline bool SameBytes(ConstMatrixView a, ConstMatrixView b) {
  return a.rows == b.rows && a.cols == b.cols &&
         std::equal(reinterpret_cast<const uint32_t*>(a.data),
                    reinterpret_cast<const uint32_t*>(a.data) + a.rows * a.cols,
                    reinterpret_cast<const uint32_t*>(b.data));
}

// network(in) on `engine`; fails the test on an error.
inline Matrix Applied(Engine& engine, const NetworkPtr& network, ConstMatrixView in) {
  Matrix out(in.rows, network->layers.dim_out());
  const Status status = engine.Apply(network, in, out.view());
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_KERNELS_NETWORKS_H_
