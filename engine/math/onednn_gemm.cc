#include "engine/math/onednn_gemm.h"

#include <dnnl.h>
#include <fmt/core.h>

#include <algorithm>

#include "engine/math/compute_threads.h"
#include "schemas/base/status.h"

namespace augstore {
namespace {

// Below this many multiply-adds (a fifth of a millisecond on one core), waking a team and waiting
// at its barrier costs more than the team saves: on busy cores, 200 times the product was measured.
constexpr int64_t kTeamMultiplyAdds = int64_t{1} << 24;

// C = beta C, for an empty inner dimension.
void Scale(int64_t m, int64_t n, float beta, float* c, int64_t ldc) {
  for (int64_t i = 0; i < m; ++i) {
    float* row = c + i * ldc;
    if (beta == 0) {
      std::fill(row, row + n, 0.0f);
    } else {
      for (int64_t j = 0; j < n; ++j) row[j] *= beta;
    }
  }
}

}  // namespace

void Gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return Scale(m, n, beta, c, ldc);
  const int team = ComputeThreads();
  const bool small = team > 1 && m * n * k < kTeamMultiplyAdds;
  if (small) SetComputeThreads(1);
  const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k,
                                          1.0f, a, lda, b, ldb, beta, c, ldc);
  if (small) SetComputeThreads(team);
  AUGSTORE_CHECK(status == dnnl_success);
}

std::string OneDnnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace augstore
