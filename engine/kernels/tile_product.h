// Products of f32 rows with weights that were packed before, on kernels of our own:
// y = activation(W x + b [+ x0]). (In training, heads do the reverse: their weights are the rows,
// and the batch is packed; see head_network.h.)
//
// Every element is bias + w[0] x[0] + w[1] x[1] + ... in this order, each step one fused
// multiply-add. So a row's bits depend on that row alone, and are the same on every processor that
// has fused multiply-adds (x86 since Haswell and Zen, ARMv8). On an older x86 each step rounds
// twice: rows do not depend on each other there either, but have other bits.
#ifndef AUGSTORE_ENGINE_KERNELS_TILE_PRODUCT_H_
#define AUGSTORE_ENGINE_KERNELS_TILE_PRODUCT_H_

#include <cstddef>

namespace augstore {

// Inner elements that a panel runs down at once, at most: 32 KiB of it on AVX2.
inline constexpr size_t kMostDepth = 512;
// Columns of the widest panel of any kernel.
inline constexpr size_t kMostPanel = 32;

// One product, as the kernels take it. Nothing overlaps `target`.
struct TileProduct {
  const float* source;   // rows x in, a row at every `source_stride`
  const float* weights;  // blocks of `block` inner elements; in each, panels of the kernel's width
  const float* bias;    // out, padded to whole panels; nullptr: sums begin with the target's values
  const float* addend;  // rows x out, or nullptr: what a residual layer adds
  float* target;        // rows x out, a row at every `target_stride`
  size_t rows, in, out;
  size_t source_stride, target_stride;
  size_t block;  // inner elements that a panel runs down at once
  bool relu;
};

// Kernels for one instruction set.
struct TileKernel {
  const char* name;  // "portable", "avx2", "avx512"
  size_t panel;      // columns
  void (*run)(const TileProduct& product);
  // Runs at least so many multiply-adds on registers alone, the most that one core can do. Returns
  // a number above 0 that depends on them, so that the compiler cannot leave them out.
  float (*multiply_adds)(double count);
};

extern const TileKernel kPortableTiles;
#if defined(__x86_64__)
extern const TileKernel kAvx2Tiles;
extern const TileKernel kAvx512Tiles;
#endif

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_TILE_PRODUCT_H_
