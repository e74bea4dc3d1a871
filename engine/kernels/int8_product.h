// Products of rows of 8-bit codes with 8-bit weights that were packed once, on kernels of our own;
// int8_engine.h defines the arithmetic. The words used here and in int8_kernel.h:
//
//   code    an input value in 8 bits, 0 .. 255
//   quad    4 codes of a row, or 4 weights of a column, in one 32-bit lane: what one instruction
//           multiplies and adds
//   group   32 neighbours of the inner dimension, which make 8 quads. Quad j has the elements j,
//           j + 8, j + 16 and j + 24, so that codes are made of whole vectors without moving lanes:
//
//             element   0  1 .. 7 | 8  9 .. 15 | 16 17 .. 23 | 24 25 .. 31
//             quad      0  1 .. 7 | 0  1 .. 7  | 0  1 .. 7   | 0  1 .. 7
//             byte      0  0 .. 0 | 1  1 .. 1  | 2  2 .. 2   | 3  3 .. 3
//
//   tile    6 rows of codes that a kernel takes at once
//   panel   16 columns of weights that a kernel takes at once: in each quad of a group, the 4 bytes
//           of column 0, then those of column 1, and so on
//
//               codes:   tile   [group][row 0 .. 5][quad 0 .. 7]       32 bits each
//               weights: panel  [group][quad 0 .. 7][column 0 .. 15]   32 bits each
//               sums:    tile x panel = 6 x 16, all in registers
//
// The last group is filled with zeros. The products of the first two bytes of a quad, and of the
// last two, fit 16 bits together, because the weights were scaled to that: AVX2 adds them with
// saturation.
#ifndef AUGSTORE_ENGINE_KERNELS_INT8_PRODUCT_H_
#define AUGSTORE_ENGINE_KERNELS_INT8_PRODUCT_H_

#include <cstddef>
#include <cstdint>

namespace augstore {

inline constexpr size_t kInt8Group = 32;  // inner elements
inline constexpr size_t kInt8Quads = 8;   // of a group
inline constexpr size_t kInt8Panel = 16;  // columns of weights
inline constexpr size_t kInt8Tile = 6;    // rows of codes

// Intermediate results of a kernel, for `rows` rows. Memory of the caller.
struct Int8Scratch {
  uint32_t* codes;  // tiles x groups x kInt8Tile rows x quads
  int32_t* sums;    // rows (in whole tiles) x kInt8Panel
  float* offset;    // rows
  float* scale;     // rows
};

// One product, as the kernels take it. Nothing overlaps `target`. Channels are padded with zeros to
// whole panels.
struct Int8Product {
  const float* source;    // rows x in
  const int8_t* weights;  // panels x groups x quads x kInt8Panel x 4
  const float* scale;     // channels
  const float* sum;       // channels: of the weights, as they are after rounding
  const float* bias;      // channels
  const float* diagonal;  // channels of a square layer, else nullptr
  const float* addend;    // rows x out, or nullptr: what a residual layer adds
  float* target;          // rows x out
  Int8Scratch scratch;
  size_t rows, in, out;
  bool relu;
};

// Kernels for one instruction set.
struct Int8Kernel {
  const char* name;  // "int8-portable", "int8-avx2"
  void (*run)(const Int8Product& product);
};

extern const Int8Kernel kPortableInt8;
#if defined(__x86_64__)
extern const Int8Kernel kAvx2Int8;
#endif

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_INT8_PRODUCT_H_
