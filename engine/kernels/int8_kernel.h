// The loops around the products of int8_product.h, which also explains quads, groups, codes, tiles
// and panels, for one instruction set `Isa`:
//   Isa::kWidth                                                 floats of a vector
//   Isa::AddTile<kRows>(groups, codes, panel, first, sums)      adds to sums, or sets them if first
// Only the files int8_<instruction set>.cc include it: each is compiled for other processors, so
// nothing here may be a plain inline function, nor may it call one of the standard library, of
// which the linker keeps one copy for all. (A template over an Isa of the file is another function
// in each.)
//
// Every step in f32 is one of single elements, so that vectors of any width give the same bits.
#ifndef AUGSTORE_ENGINE_KERNELS_INT8_KERNEL_H_
#define AUGSTORE_ENGINE_KERNELS_INT8_KERNEL_H_

#include "engine/kernels/int8_product.h"

namespace augstore {

// Groups that a panel runs down at once: 16 KiB of it stay in the first cache.
inline constexpr size_t kInt8Depth = 32;

template <class Isa>
struct Int8Vector {
  static constexpr size_t kWidth = Isa::kWidth;
  using Floats __attribute__((vector_size(kWidth * 4))) = float;
  using Ints __attribute__((vector_size(kWidth * 4))) = int32_t;
  // The same at any address.
  using LooseFloats __attribute__((vector_size(kWidth * 4), aligned(4), may_alias)) = float;
  using LooseInts __attribute__((vector_size(kWidth * 4), aligned(4), may_alias)) = int32_t;

  [[gnu::always_inline]] static Floats Load(const float* from) {
    return *reinterpret_cast<const LooseFloats*>(from);
  }
};

// Least and greatest value of a row; NaN does not count.
template <class Isa>
void FindRange(const float* row, size_t count, float* least, float* greatest) {
  using V = Int8Vector<Isa>;
  typename V::Floats lows = typename V::Floats{} + __FLT_MAX__;
  typename V::Floats highs = -lows;
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) {
    const typename V::Floats value = V::Load(row + i);
    lows = value < lows ? value : lows;
    highs = value > highs ? value : highs;
  }
  float low = __FLT_MAX__;
  float high = -__FLT_MAX__;
  for (size_t lane = 0; lane < V::kWidth; ++lane) {
    low = lows[lane] < low ? lows[lane] : low;
    high = highs[lane] > high ? highs[lane] : high;
  }
  for (; i < count; ++i) {
    low = row[i] < low ? row[i] : low;
    high = row[i] > high ? row[i] : high;
  }
  *least = low + 0.0f;  // not -0, of which another order of the row could find the other
  *greatest = high;
}

// The codes of a group. NaN becomes 0: no integer represents it.
template <class Isa>
[[gnu::always_inline]] inline void QuantiseGroup(const float* values, float offset, float inverse,
                                                 uint32_t* codes) {
  using V = Int8Vector<Isa>;
  const auto code = [&](const float* from) __attribute__((always_inline)) {
    typename V::Floats value = (V::Load(from) - offset) * inverse;
    value = value > 0 ? value : typename V::Floats{};
    value = value < 255 ? value : typename V::Floats{} + 255.0f;
    return __builtin_convertvector(value + 0.5f, typename V::Ints);
  };
#pragma GCC unroll 16
  for (size_t j = 0; j < kInt8Quads; j += V::kWidth) {
    *reinterpret_cast<typename V::LooseInts*>(codes + j) =
        code(values + j) | code(values + j + 8) << 8 | code(values + j + 16) << 16 |
        code(values + j + 24) << 24;
  }
}

// Codes, offset and scale of each row.
template <class Isa>
void QuantiseRows(const Int8Product& p) {
  const size_t groups = (p.in + kInt8Group - 1) / kInt8Group;
  const size_t whole = p.in / kInt8Group;
  for (size_t r = 0; r < p.rows; ++r) {
    const float* row = p.source + r * p.in;
    float low;
    float high;
    FindRange<Isa>(row, p.in, &low, &high);
    const float range = high - low;
    const float inverse = range > 0 ? 255 / range : 0;
    p.scratch.offset[r] = low;
    p.scratch.scale[r] = range / 255;
    uint32_t* codes =
        p.scratch.codes + (r / kInt8Tile * groups * kInt8Tile + r % kInt8Tile) * kInt8Quads;
    for (size_t g = 0; g < whole; ++g, codes += kInt8Tile * kInt8Quads) {
      QuantiseGroup<Isa>(row + g * kInt8Group, low, inverse, codes);
    }
    if (whole == groups) continue;
    float last[kInt8Group] = {};
    for (size_t i = whole * kInt8Group; i < p.in; ++i) last[i % kInt8Group] = row[i];
    QuantiseGroup<Isa>(last, low, inverse, codes);
  }
}

// One row of y, in one panel, from the sums of its products. `x`, `addend` and `target` have a
// whole panel; the first two may be nullptr.
template <class Isa>
[[gnu::always_inline]] inline void FinishRow(const Int8Product& p, size_t row, size_t col,
                                             const float* x, const float* addend, float* target) {
  using V = Int8Vector<Isa>;
  const int32_t* sums = p.scratch.sums + row * kInt8Panel;
  const float offset = p.scratch.offset[row];
  const float scale = p.scratch.scale[row];
#pragma GCC unroll 16
  for (size_t c = 0; c < kInt8Panel; c += V::kWidth) {
    const auto exact = *reinterpret_cast<const typename V::LooseInts*>(sums + c);
    typename V::Floats y =
        (scale * V::Load(p.scale + col + c)) * __builtin_convertvector(exact, typename V::Floats);
    y += offset * V::Load(p.sum + col + c);
    y += V::Load(p.bias + col + c);
    if (x != nullptr) y += V::Load(p.diagonal + col + c) * V::Load(x + c);
    if (addend != nullptr) y += V::Load(addend + c);
    if (p.relu) y = y < 0 ? typename V::Floats{} : y;
    *reinterpret_cast<typename V::LooseFloats*>(target + c) = y;
  }
}

// The last columns of a product whose width is no multiple of a panel, through whole ones.
template <class Isa>
void FinishEdge(const Int8Product& p, size_t row, size_t col) {
  float x[kInt8Panel] = {};
  float addend[kInt8Panel] = {};
  float target[kInt8Panel];
  const size_t cols = p.out - col;
  for (size_t c = 0; c < cols; ++c) {
    if (p.diagonal != nullptr) x[c] = p.source[row * p.in + col + c];
    if (p.addend != nullptr) addend[c] = p.addend[row * p.out + col + c];
  }
  FinishRow<Isa>(p, row, col, p.diagonal != nullptr ? x : nullptr,
                 p.addend != nullptr ? addend : nullptr, target);
  for (size_t c = 0; c < cols; ++c) p.target[row * p.out + col + c] = target[c];
}

template <class Isa>
void FinishTile(const Int8Product& p, size_t first_row, size_t rows, size_t col) {
  for (size_t row = first_row; row < first_row + rows; ++row) {
    if (p.out - col < kInt8Panel) {
      FinishEdge<Isa>(p, row, col);
      continue;
    }
    FinishRow<Isa>(p, row, col, p.diagonal != nullptr ? p.source + row * p.in + col : nullptr,
                   p.addend != nullptr ? p.addend + row * p.out + col : nullptr,
                   p.target + row * p.out + col);
  }
}

// AddTile for 1 .. kMost rows.
template <class Isa, int kMost>
void AddRows(size_t rows, size_t groups, const uint32_t* codes, const int8_t* panel, bool first,
             int32_t* sums) {
  if (rows == kMost) return Isa::template AddTile<kMost>(groups, codes, panel, first, sums);
  if constexpr (kMost > 1) AddRows<Isa, kMost - 1>(rows, groups, codes, panel, first, sums);
}

// The whole product. The panel of weights is the innermost thing that is used again, so it stays in
// the first cache; a panel that is too deep for it is taken block by block.
template <class Isa>
void RunInt8(const Int8Product& p) {
  QuantiseRows<Isa>(p);
  const size_t groups = (p.in + kInt8Group - 1) / kInt8Group;
  const size_t blocks = (groups + kInt8Depth - 1) / kInt8Depth;
  const size_t block = (groups + blocks - 1) / blocks;
  for (size_t col = 0; col < p.out; col += kInt8Panel) {
    for (size_t begin = 0; begin < groups; begin += block) {
      const size_t depth = groups - begin < block ? groups - begin : block;
      const int8_t* panel = p.weights + (col * groups + begin * kInt8Panel) * kInt8Group;
      for (size_t row = 0; row < p.rows; row += kInt8Tile) {
        const size_t rows = p.rows - row < kInt8Tile ? p.rows - row : kInt8Tile;
        const uint32_t* codes = p.scratch.codes + (row * groups + begin * kInt8Tile) * kInt8Quads;
        AddRows<Isa, kInt8Tile>(rows, depth, codes, panel, begin == 0,
                                p.scratch.sums + row * kInt8Panel);
        if (begin + depth == groups) FinishTile<Isa>(p, row, rows, col);
      }
    }
  }
}

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_INT8_KERNEL_H_
