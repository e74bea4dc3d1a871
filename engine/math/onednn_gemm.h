// General matrix products on oneDNN for training, so that it does not depend on which BLAS is
// installed.
#ifndef AUGSTORE_ENGINE_MATH_ONEDNN_GEMM_H_
#define AUGSTORE_ENGINE_MATH_ONEDNN_GEMM_H_

#include <cstdint>
#include <string>

namespace augstore {

// C = op(A) op(B) + beta C; all row-major and dense with leading dimensions lda, ldb, ldc
// (elements). op(A) is m x k, op(B) is k x n, C is m x n. Runs on the calling thread's OpenMP team.
// Deterministic for a given team size.
void Gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc);

// "oneDNN 2.6.3": the version that is loaded.
std::string OneDnnVersion();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_ONEDNN_GEMM_H_
