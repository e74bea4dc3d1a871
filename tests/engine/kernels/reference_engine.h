// The engine that the others are tested against: the definition in plain loops, with sums in
// double. Shapes, errors, memory and thread safety are those of engine.h.
#ifndef AUGSTORE_TESTS_ENGINE_KERNELS_REFERENCE_ENGINE_H_
#define AUGSTORE_TESTS_ENGINE_KERNELS_REFERENCE_ENGINE_H_

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "engine/kernels/engine.h"

namespace augstore {

// One row through one layer.
inline void ApplyLayerInDouble(const Layer& layer, std::span<const float> stack_input,
                               const std::vector<float>& in, std::vector<float>* out) {
  const LayerShape& shape = layer.shape;
  out->resize(shape.out);
  for (size_t o = 0; o < shape.out; ++o) {
    double sum = layer.bias[o];
    if (shape.kind == LayerKind::kDiagonal) {
      sum += double{layer.weight[o]} * double{in[o]};
    } else {
      const float* weights = &layer.weight[o * shape.in];
      for (size_t i = 0; i < shape.in; ++i) sum += double{weights[i]} * double{in[i]};
    }
    if (shape.residual) sum += stack_input[o];
    if (shape.activation == Activation::kRelu && sum < 0) sum = 0;
    (*out)[o] = static_cast<float>(sum);
  }
}

class ReferenceEngine : public Engine {
 public:
  std::string_view name() const override { return "reference"; }

  Status Apply(const NetworkPtr& network, ConstMatrixView in, MatrixView out) override {
    AUGSTORE_TRY(CheckShapes(network->layers, in, out));
    std::vector<float> value;
    std::vector<float> next;
    for (size_t row = 0; row < in.rows; ++row) {
      value.assign(in.row(row).begin(), in.row(row).end());
      for (const Layer& layer : network->layers.layers) {
        ApplyLayerInDouble(layer, in.row(row), value, &next);
        value.swap(next);
      }
      std::copy(value.begin(), value.end(), out.row(row).begin());
    }
    return OkStatus();
  }
};

inline std::unique_ptr<Engine> NewReferenceEngine() { return std::make_unique<ReferenceEngine>(); }

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_KERNELS_REFERENCE_ENGINE_H_
