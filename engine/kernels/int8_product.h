// Products of rows of codes of 8 bits with weights of 8 bits that were packed once, on kernels of
// our own: the arithmetic is in int8_engine.h.
//
// Inner elements go in quads, as the multiplications of 8-bit integers take them. In a group of 32,
// element j stands beside j + 8, j + 16 and j + 24, so that codes are made of whole vectors without
// moving lanes. The last group is filled with zeros. The products of the first two of a quad, and
// of the last two, fit 16 bits together, because the weights were scaled to that: AVX2 adds them
// with saturation.
#ifndef AUGSTORE_ENGINE_KERNELS_INT8_PRODUCT_H_
#define AUGSTORE_ENGINE_KERNELS_INT8_PRODUCT_H_

#include <cstddef>
#include <cstdint>

namespace augstore {

inline constexpr size_t kInt8Group = 32;  // inner elements: 8 quads
inline constexpr size_t kInt8Quads = 8;
inline constexpr size_t kInt8Panel = 16;  // columns of weights that stand together
inline constexpr size_t kInt8Tile = 6;    // rows of codes that stand together

// What a kernel writes on the way, for `rows` rows.
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
