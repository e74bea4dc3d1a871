#include "engine/kernels/int8_kernel.h"

namespace augstore {
namespace {

using Wides __attribute__((vector_size(16))) = int32_t;
using Shorts __attribute__((vector_size(16))) = int16_t;
using LooseWides __attribute__((vector_size(16), aligned(4), may_alias)) = int32_t;
using LooseShorts __attribute__((vector_size(16), aligned(1), may_alias)) = int16_t;

constexpr size_t kColumns = 4;  // of one vector of sums

struct Portable {
  static constexpr size_t kWidth = 4;

  template <int kRows>
  static void AddTile(size_t groups, const uint32_t* codes, const int8_t* panel, bool first,
                      int32_t* sums) {
    for (size_t c = 0; c < kInt8Panel; c += kColumns) {
      AddColumns<kRows>(groups, codes, panel + 4 * c, first, sums + c);
    }
  }

 private:
  // The first and the third byte of a quad are the low bytes of two 16-bit lanes, the others the
  // high ones.
  template <int kRows>
  static void AddColumns(size_t groups, const uint32_t* codes, const int8_t* weights, bool first,
                         int32_t* sums) {
    Wides sum[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      sum[r] = first ? Wides{} : *reinterpret_cast<const LooseWides*>(sums + r * kInt8Panel);
    }
    for (size_t g = 0; g < groups; ++g, codes += kInt8Tile * kInt8Quads) {
      for (size_t j = 0; j < kInt8Quads; ++j, weights += 4 * kInt8Panel) {
        const Shorts both = *reinterpret_cast<const LooseShorts*>(weights);
        const Shorts low = both << 8 >> 8;
        const Shorts high = both >> 8;
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
          const Wides quad = Wides{} + static_cast<int32_t>(codes[r * kInt8Quads + j]);
          const auto pairs =
              reinterpret_cast<Wides>(low * reinterpret_cast<Shorts>(quad & 0x00ff00ff) +
                                      high * reinterpret_cast<Shorts>((quad >> 8) & 0x00ff00ff));
          sum[r] += (pairs >> 16) + (pairs << 16 >> 16);
        }
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) *reinterpret_cast<LooseWides*>(sums + r * kInt8Panel) = sum[r];
  }
};

}  // namespace

const Int8Kernel kPortableInt8{"int8-portable", &RunInt8<Portable>};

}  // namespace augstore
