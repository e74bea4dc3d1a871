#include "engine/kernels/int8_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace augstore {
namespace {

struct Avx2 {
  static constexpr size_t kWidth = 8;

  // 12 of 16 registers hold sums.
  template <int kRows>
  static void AddTile(size_t groups, const uint32_t* codes, const int8_t* panel, bool first,
                      int32_t* sums) {
    __m256i sum[kRows][2];
    auto* stored = reinterpret_cast<__m256i_u*>(sums);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      sum[r][0] = first ? _mm256_setzero_si256() : _mm256_loadu_si256(stored + 2 * r);
      sum[r][1] = first ? _mm256_setzero_si256() : _mm256_loadu_si256(stored + 2 * r + 1);
    }
    const __m256i ones = _mm256_set1_epi16(1);
    for (; groups != 0; --groups) {
#pragma GCC unroll 16
      for (size_t j = 0; j < kInt8Quads; ++j) {
        const __m256i left = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(panel));
        const __m256i right = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(panel) + 1);
        panel += 4 * kInt8Panel;
#pragma GCC unroll 16
        for (size_t r = 0; r < kRows; ++r) {
          const __m256i quad = _mm256_set1_epi32(static_cast<int>(codes[r * kInt8Quads + j]));
          const auto products = [&](__m256i weights) __attribute__((always_inline)) {
            return _mm256_madd_epi16(_mm256_maddubs_epi16(quad, weights), ones);
          };
          sum[r][0] = _mm256_add_epi32(sum[r][0], products(left));
          sum[r][1] = _mm256_add_epi32(sum[r][1], products(right));
          // Otherwise the compiler first makes the products of many quads, and has no register to
          // keep them in.
          asm("" : "+x"(sum[r][0]), "+x"(sum[r][1]));
        }
      }
      codes += kInt8Tile * kInt8Quads;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      _mm256_storeu_si256(stored + 2 * r, sum[r][0]);
      _mm256_storeu_si256(stored + 2 * r + 1, sum[r][1]);
    }
  }
};

}  // namespace

const Int8Kernel kAvx2Int8{"int8-avx2", &RunInt8<Avx2>};

}  // namespace augstore
#endif
