#include "engine/kernels/diagonal_layer.h"

namespace augstore {

void ApplyDiagonal(const Layer& layer, size_t rows, const float* source, const float* stack_input,
                   float* target) {
  const size_t cols = layer.shape.out;
  const bool relu = layer.shape.activation == Activation::kRelu;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < cols; ++c) {
      const size_t i = row * cols + c;
      float value = layer.weight[c] * source[i] + layer.bias[c];
      if (layer.shape.residual) value += stack_input[i];
      target[i] = relu && value < 0 ? 0 : value;
    }
  }
}

}  // namespace augstore
