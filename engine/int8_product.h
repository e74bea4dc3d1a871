// Products of rows of 8-bit codes with weights of 8 bits that were packed once, on kernels of our
// own: the arithmetic is in int8_engine.h.
//
// Codes and weights are stored with 16 bits, because the one instruction of AVX2 that multiplies 8
// by 8 bits saturates. That of 16 bits multiplies two pairs and adds them, exactly, so inner
// elements go in pairs: groups of 16, in which element j stands beside element j + 8, so that codes
// are made of two whole vectors without moving lanes. The last group is filled with zeros.
#ifndef AUGSTORE_ENGINE_INT8_PRODUCT_H_
#define AUGSTORE_ENGINE_INT8_PRODUCT_H_

#include <cstddef>
#include <cstdint>

namespace augstore {

inline constexpr size_t kInt8Group = 16;  // inner elements: 8 pairs
inline constexpr size_t kInt8Pairs = 8;
inline constexpr size_t kInt8Panel = 16;  // columns of weights that stand together
inline constexpr size_t kInt8Tile = 6;    // rows of codes that stand together

// What a kernel writes on the way, for `rows` rows.
struct Int8Scratch {
  uint32_t* codes;  // tiles of kInt8Tile rows x groups x pairs, group by group
  int32_t* sums;    // rows (in whole tiles) x kInt8Panel
  float* offset;    // rows
  float* scale;     // rows
};

// One product, as the kernels take it. Nothing overlaps `target`. Channels are padded with zeros to
// whole panels.
struct Int8Product {
  const float* source;     // rows x in
  const int16_t* weights;  // panels x groups x pairs x kInt8Panel x 2
  const float* scale;      // channels
  const float* sum;        // channels: of the weights, as they are after rounding
  const float* bias;       // channels
  const float* diagonal;   // channels of a square layer, else nullptr
  const float* addend;     // rows x out, or nullptr: what a residual layer adds
  float* target;           // rows x out
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

#endif  // AUGSTORE_ENGINE_INT8_PRODUCT_H_
