// Symmetric systems (A + shift I) X = B in double precision, for many shifts, on Eigen.
#ifndef AUGSTORE_ENGINE_MATH_EIGEN_SHIFTED_SYSTEM_H_
#define AUGSTORE_ENGINE_MATH_EIGEN_SHIFTED_SYSTEM_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace augstore {

// A = Q T Q' with T tridiagonal, found once: each shift then costs O(dim columns) for T and one
// product with Q, instead of a factorisation (L. Eldén, "Algorithms for the regularization of
// ill-conditioned least squares problems", BIT 17, 1977). Immutable: any thread may solve.
class ShiftedSystem {
 public:
  // A: symmetric and positive semidefinite, dim x dim, row-major, of which the lower triangle is
  // read. B: dim x columns, row-major. Neither is needed afterwards. Memory: 2 dim² doubles.
  ShiftedSystem(std::span<const double> a, std::span<const double> b, size_t dim);
  ~ShiftedSystem();
  ShiftedSystem(const ShiftedSystem&) = delete;
  ShiftedSystem& operator=(const ShiftedSystem&) = delete;

  // X, dim x columns, row-major. No value when A + shift I is not positive definite in double
  // precision.
  std::optional<std::vector<double>> Solve(double shift) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One shift, by Cholesky: a quarter of the time of a ShiftedSystem. Arguments and result as there.
std::optional<std::vector<double>> SolveShifted(std::span<const double> a,
                                                std::span<const double> b, size_t dim,
                                                double shift);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_EIGEN_SHIFTED_SYSTEM_H_
