// The inner loops of a product with packed weights, for vectors of W floats. Only the files
// tile_<instruction set>.cc include it: each is compiled for other processors, so nothing here may
// be a plain inline function, nor may it call one of the standard library, of which the linker
// keeps one copy for all. (A template over W is another function in each.)
//
// A tile of kRows x 2 W results stays in registers while it runs down the inner dimension, as in
// Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
#ifndef AUGSTORE_ENGINE_KERNELS_TILE_KERNEL_H_
#define AUGSTORE_ENGINE_KERNELS_TILE_KERNEL_H_

#include "engine/kernels/tile_product.h"

namespace augstore {

template <int W>
struct TileVector {
  using Type __attribute__((vector_size(W * sizeof(float)))) = float;
  // The same at any address.
  using Loose __attribute__((vector_size(W * sizeof(float)), aligned(4), may_alias)) = float;
};

// c[r, 0 .. 2 W) becomes itself, or `bias` if given, plus a[r, 0 .. depth) times the panel, for
// kRows rows, in ascending order of the inner dimension.
template <int W, int kRows>
[[gnu::always_inline]] inline void AddTile(size_t depth, const float* a, size_t a_stride,
                                           const float* panel, const float* bias, float* c,
                                           size_t c_stride) {
  using Vector = typename TileVector<W>::Type;
  using Loose = typename TileVector<W>::Loose;
  Vector sum[kRows][2];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const float* from = bias != nullptr ? bias : c + r * c_stride;
    sum[r][0] = *reinterpret_cast<const Loose*>(from);
    sum[r][1] = *reinterpret_cast<const Loose*>(from + W);
  }
  for (size_t i = 0; i < depth; ++i) {
    const Vector left = *reinterpret_cast<const Loose*>(panel);
    const Vector right = *reinterpret_cast<const Loose*>(panel + W);
    panel += 2 * W;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float value = a[r * a_stride + i];
      sum[r][0] += value * left;
      sum[r][1] += value * right;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    *reinterpret_cast<Loose*>(c + r * c_stride) = sum[r][0];
    *reinterpret_cast<Loose*>(c + r * c_stride + W) = sum[r][1];
  }
}

// AddTile for 1 .. kMost rows.
template <int W, int kMost>
void AddRows(size_t rows, size_t depth, const float* a, size_t a_stride, const float* panel,
             const float* bias, float* c, size_t c_stride) {
  if (rows == kMost) return AddTile<W, kMost>(depth, a, a_stride, panel, bias, c, c_stride);
  if constexpr (kMost > 1) {
    AddRows<W, kMost - 1>(rows, depth, a, a_stride, panel, bias, c, c_stride);
  }
}

// The steps after the sum: the residual and ReLU.
template <int W>
void FinishTile(const TileProduct& p, size_t first_row, size_t rows, size_t first_col,
                size_t cols) {
  for (size_t r = first_row; r < first_row + rows; ++r) {
    float* target = p.target + r * p.target_stride + first_col;
    if (p.addend != nullptr) {
      const float* addend = p.addend + r * p.out + first_col;
      for (size_t c = 0; c < cols; ++c) target[c] += addend[c];
    }
    if (!p.relu) continue;
    for (size_t c = 0; c < cols; ++c) target[c] = target[c] < 0 ? 0 : target[c];
  }
}

// The last columns of a product whose width is no multiple of 2 W, through a tile of full width.
template <int W, int kMost>
void AddEdge(const TileProduct& p, size_t row, size_t rows, size_t begin, size_t depth,
             const float* panel, size_t col) {
  alignas(64) float edge[kMost * 2 * W];
  const size_t cols = p.out - col;
  const bool first = begin == 0 && p.bias != nullptr;
  for (size_t r = 0; r < rows && !first; ++r) {
    for (size_t c = 0; c < 2 * W; ++c)
      edge[r * 2 * W + c] = c < cols ? p.target[(row + r) * p.target_stride + col + c] : 0;
  }
  AddRows<W, kMost>(rows, depth, p.source + row * p.source_stride + begin, p.source_stride, panel,
                    first ? p.bias + col : nullptr, edge, 2 * W);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c)
      p.target[(row + r) * p.target_stride + col + c] = edge[r * 2 * W + c];
  }
}

// The whole product in tiles of at most kMost rows. The panel of weights (2 W columns, one block
// deep) is the innermost thing that is used again, so it stays in the first cache.
template <int W, int kMost>
void RunTiles(const TileProduct& p) {
  constexpr size_t kPanel = 2 * W;
  const size_t padded = (p.out + kPanel - 1) / kPanel * kPanel;
  for (size_t begin = 0; begin < p.in; begin += p.block) {
    const size_t depth = p.in - begin < p.block ? p.in - begin : p.block;
    const bool last = begin + depth == p.in;
    const bool first = begin == 0 && p.bias != nullptr;
    for (size_t col = 0; col < p.out; col += kPanel) {
      const float* panel = p.weights + begin * padded + col * depth;
      const size_t cols = p.out - col < kPanel ? p.out - col : kPanel;
      for (size_t row = 0; row < p.rows; row += kMost) {
        const size_t rows = p.rows - row < kMost ? p.rows - row : kMost;
        if (cols < kPanel) {
          AddEdge<W, kMost>(p, row, rows, begin, depth, panel, col);
        } else {
          AddRows<W, kMost>(rows, depth, p.source + row * p.source_stride + begin, p.source_stride,
                            panel, first ? p.bias + col : nullptr,
                            p.target + row * p.target_stride + col, p.target_stride);
        }
        if (last) FinishTile<W>(p, row, rows, col, cols);
      }
    }
  }
}

// As many sums as a tile has, which keep the units busy for as long as one takes. None starts at 1:
// 1 * 0.5 + 0.5 is 1 again, and the compiler leaves such a sum out of the loop.
template <int W, int kMost>
float RunRegisters(double count) {
  using Vector = typename TileVector<W>::Type;
  Vector sum[2 * kMost];
#pragma GCC unroll 32
  for (int i = 0; i < 2 * kMost; ++i) sum[i] = Vector{} + static_cast<float>(i + 2);
  const Vector factor = Vector{} + 0.5F;
  const auto rounds = static_cast<size_t>(count / (2 * kMost * W)) + 1;
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < 2 * kMost; ++i) sum[i] = sum[i] * factor + factor;
  }
  float total = 0;
  for (int i = 0; i < 2 * kMost; ++i) total += sum[i][0];
  return total;
}

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_TILE_KERNEL_H_
