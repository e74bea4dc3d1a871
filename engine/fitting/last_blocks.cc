#include "engine/fitting/last_blocks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/math/eigen_decompose.h"

namespace augstore {
namespace {

// The factors of weight (rows x cols), rows x rank and rank x cols, that multiply to its best
// approximation: the projection on the first eigenvectors of weight weight'.
struct Factors {
  std::vector<float> left;
  std::vector<float> right;
};

Factors Split(const std::vector<float>& weight, size_t rows, size_t cols, size_t rank) {
  const std::vector<double> wide(weight.begin(), weight.end());
  std::vector<double> tall(wide.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < cols; ++j) tall[j * rows + i] = wide[i * cols + j];
  }
  const SymmetricEigen eigen =
      DecomposeSymmetric(Multiply(true, tall, tall, rows, cols, rows), rows);
  const std::vector<double> projected =
      Multiply(true, eigen.vectors, wide, rows, rows, cols);  // rows x cols, by singular value
  Factors factors{std::vector<float>(rows * rank), std::vector<float>(rank * cols)};
  for (size_t k = 0; k < rank; ++k) {
    // Both factors get the root of the singular value: gradients of equal size.
    const double root = std::sqrt(std::sqrt(std::max(eigen.values[k], 1e-30)));
    for (size_t i = 0; i < rows; ++i) {
      factors.left[i * rank + k] = static_cast<float>(eigen.vectors[i * rows + k] * root);
    }
    for (size_t j = 0; j < cols; ++j) {
      factors.right[k * cols + j] = static_cast<float>(projected[k * cols + j] / root);
    }
  }
  return factors;
}

}  // namespace

std::vector<Conv> FactoriseLastBlocks(std::vector<Conv> convs, uint32_t rank) {
  std::vector<Conv> result;
  std::vector<uint32_t> numbers = {0};  // of the tensors in the result
  for (Conv& conv : convs) {
    conv.source = numbers[conv.source];
    if (conv.add) conv.add = numbers[*conv.add];
    const size_t cols = size_t{conv.in} * conv.kernel * conv.kernel;
    const bool cheaper = rank > 0 && conv.kernel > 1 && rank * (cols + conv.out) < cols * conv.out;
    if (cheaper) {
      Factors factors = Split(conv.weight, conv.out, cols, rank);
      Conv first = conv;
      first.out = rank;
      first.activation = Activation::kNone;
      first.add.reset();
      first.weight = std::move(factors.right);
      first.bias.assign(rank, 0.0F);
      result.push_back(std::move(first));
      conv.in = rank;
      conv.kernel = conv.stride = 1;
      conv.source = static_cast<uint32_t>(result.size());
      conv.weight = std::move(factors.left);
    }
    result.push_back(std::move(conv));
    numbers.push_back(static_cast<uint32_t>(result.size()));
  }
  return result;
}

}  // namespace augstore
