#include "engine/math/eigen_decompose.h"

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

namespace augstore {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const RowMajor> View(std::span<const double> a, size_t rows, size_t columns) {
  return {a.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

std::vector<double> Copy(const RowMajor& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

}  // namespace

SymmetricEigen DecomposeSymmetric(std::span<const double> a, size_t dim) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(View(a, dim, dim));
  const Eigen::VectorXd values = solver.eigenvalues().reverse();
  return {{values.data(), values.data() + values.size()},
          Copy(solver.eigenvectors().rowwise().reverse())};
}

std::vector<double> OrthogonalFactor(std::span<const double> a, size_t dim) {
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(View(a, dim, dim),
                                           Eigen::ComputeFullU | Eigen::ComputeFullV);
  return Copy(svd.matrixU() * svd.matrixV().transpose());
}

std::vector<double> Multiply(bool transpose_a, std::span<const double> a, std::span<const double> b,
                             size_t rows, size_t inner, size_t columns) {
  std::vector<double> result(rows * columns);
  Eigen::Map<RowMajor> out(result.data(), static_cast<Eigen::Index>(rows),
                           static_cast<Eigen::Index>(columns));
  if (transpose_a) {
    out.noalias() = View(a, inner, rows).transpose() * View(b, inner, columns);
  } else {
    out.noalias() = View(a, rows, inner) * View(b, inner, columns);
  }
  return result;
}

}  // namespace augstore
