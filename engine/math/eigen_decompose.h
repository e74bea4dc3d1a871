// Decompositions and products of small dense matrices in double precision, on Eigen. All matrices
// are row-major spans; any thread may call, and each call runs on the calling thread.
#ifndef AUGSTORE_ENGINE_MATH_EIGEN_DECOMPOSE_H_
#define AUGSTORE_ENGINE_MATH_EIGEN_DECOMPOSE_H_

#include <cstddef>
#include <span>
#include <vector>

namespace augstore {

struct SymmetricEigen {
  std::vector<double> values;   // descending
  std::vector<double> vectors;  // dim x dim; column i belongs to values[i]
};

// REQUIRES: `a` is dim x dim, symmetric (its lower triangle is read), finite.
SymmetricEigen DecomposeSymmetric(std::span<const double> a, size_t dim);

// U V' where a = U S V': the orthogonal matrix Q with the greatest tr(Q'a), which maps the rows of
// X nearest to those of Y when a = X'Y (P. Schönemann, "A generalized solution of the orthogonal
// Procrustes problem", Psychometrika 31, 1966). dim x dim. REQUIRES: `a` is finite.
std::vector<double> OrthogonalFactor(std::span<const double> a, size_t dim);

// op(A) B, where op(A) is rows x inner and B is inner x columns; A is stored inner x rows when
// `transpose_a`.
std::vector<double> Multiply(bool transpose_a, std::span<const double> a, std::span<const double> b,
                             size_t rows, size_t inner, size_t columns);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_EIGEN_DECOMPOSE_H_
