#include "engine/int8_kernel.h"

namespace augstore {
namespace {

struct Portable {
  static constexpr size_t kWidth = 4;

  template <int kRows>
  static void AddTile(size_t groups, const uint32_t* codes, const int16_t* panel, bool first,
                      int32_t* sums) {
    for (int r = 0; r < kRows; ++r) {
      int32_t sum[kInt8Panel];
      for (size_t c = 0; c < kInt8Panel; ++c) sum[c] = first ? 0 : sums[r * kInt8Panel + c];
      const int16_t* weights = panel;
      for (size_t g = 0; g < groups; ++g) {
        const uint32_t* pairs = codes + (g * kInt8Tile + r) * kInt8Pairs;
        for (size_t j = 0; j < kInt8Pairs; ++j, weights += 2 * kInt8Panel) {
          const auto left = static_cast<int16_t>(pairs[j] & 0xffff);
          const auto right = static_cast<int16_t>(pairs[j] >> 16);
          for (size_t c = 0; c < kInt8Panel; ++c)
            sum[c] += left * weights[2 * c] + right * weights[2 * c + 1];
        }
      }
      for (size_t c = 0; c < kInt8Panel; ++c) sums[r * kInt8Panel + c] = sum[c];
    }
  }
};

}  // namespace

const Int8Kernel kPortableInt8{"int8-portable", &RunInt8<Portable>};

}  // namespace augstore
