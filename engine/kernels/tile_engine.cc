#include "engine/kernels/tile_engine.h"

#include <algorithm>

#include "engine/kernels/diagonal_layer.h"
#include "engine/kernels/packed_engine.h"
#include "engine/kernels/tile_product.h"

namespace augstore {
namespace {

// One layer with its weights in the order that the kernel wants. Immutable.
class PackedLayer {
 public:
  struct Scratch {};  // sums are kept in the target

  PackedLayer(const Layer& layer, const TileKernel& kernel) : shape_(layer.shape), kernel_(kernel) {
    if (shape_.kind == LayerKind::kDiagonal) {
      diagonal_ = layer;
      return;
    }
    const size_t blocks = (shape_.in + kMostDepth - 1) / kMostDepth;
    block_ = (shape_.in + blocks - 1) / blocks;
    const size_t padded = (shape_.out + kernel.panel - 1) / kernel.panel * kernel.panel;
    bias_ = Matrix(1, padded);
    std::fill_n(bias_.data(), padded, 0.0f);
    std::copy(layer.bias.begin(), layer.bias.end(), bias_.data());
    weights_ = Matrix(shape_.in, padded);
    float* next = weights_.data();
    for (size_t begin = 0; begin < shape_.in; begin += block_) {
      const size_t end = std::min<size_t>(shape_.in, begin + block_);
      for (size_t col = 0; col < padded; col += kernel.panel) {
        next = PackPanel(layer, begin, end, col, next);
      }
    }
  }

  const LayerShape& shape() const { return shape_; }

  void Apply(size_t rows, const float* source, const float* stack_input, float* target,
             Scratch* /*scratch*/) const {
    if (shape_.kind == LayerKind::kDiagonal) {
      return ApplyDiagonal(diagonal_, rows, source, stack_input, target);
    }
    kernel_.run({source, weights_.data(), bias_.data(), shape_.residual ? stack_input : nullptr,
                 target, rows, shape_.in, shape_.out, shape_.in, shape_.out, block_,
                 shape_.activation == Activation::kRelu});
  }

 private:
  float* PackPanel(const Layer& layer, size_t begin, size_t end, size_t col, float* next) const {
    for (size_t i = begin; i < end; ++i) {
      for (size_t o = col; o < col + kernel_.panel; ++o) {
        *next++ = o < shape_.out ? layer.weight[o * shape_.in + i] : 0.0f;
      }
    }
    return next;
  }

  const LayerShape shape_;
  const TileKernel& kernel_;
  Layer diagonal_;  // of a diagonal layer, which leaves the members below empty
  size_t block_ = 0;
  Matrix weights_;
  Matrix bias_;
};

}  // namespace

std::vector<const TileKernel*> SupportedTiles() {
  std::vector<const TileKernel*> kernels = {&kPortableTiles};
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2) kernels.push_back(&kAvx2Tiles);
  if (avx2 && __builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512Tiles);
#endif
  return kernels;
}

std::unique_ptr<Engine> NewTileEngine(const TileKernel& kernel) {
  return std::make_unique<PackedEngine<PackedLayer, TileKernel>>(kernel);
}

std::unique_ptr<Engine> NewTileEngine() { return NewTileEngine(*SupportedTiles().back()); }

}  // namespace augstore
