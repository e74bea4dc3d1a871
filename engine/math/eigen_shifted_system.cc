#include "engine/math/eigen_shifted_system.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

namespace augstore {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Below this part of the largest diagonal element a pivot is rounding error.
constexpr double kSmallestPivot = 1e-13;

Eigen::MatrixXd Symmetric(std::span<const double> a, size_t dim) {
  const auto d = static_cast<Eigen::Index>(dim);
  return Eigen::Map<const RowMajor>(a.data(), d, d).selfadjointView<Eigen::Lower>();
}

Eigen::Map<const RowMajor> RightSides(std::span<const double> b, size_t dim) {
  const size_t columns = b.size() / dim;
  return {b.data(), static_cast<Eigen::Index>(dim), static_cast<Eigen::Index>(columns)};
}

}  // namespace

struct ShiftedSystem::State {
  Eigen::MatrixXd q;
  Eigen::VectorXd diagonal;  // of T
  Eigen::VectorXd below;     // the diagonal below that
  RowMajor rotated;          // Q' B
};

ShiftedSystem::ShiftedSystem(std::span<const double> a, std::span<const double> b, size_t dim)
    : state_(std::make_unique<State>()) {
  const Eigen::Tridiagonalization<Eigen::MatrixXd> reduced(Symmetric(a, dim));
  state_->q = reduced.matrixQ();
  state_->diagonal = reduced.diagonal();
  state_->below = reduced.subDiagonal();
  state_->rotated = state_->q.transpose() * RightSides(b, dim);
}

ShiftedSystem::~ShiftedSystem() = default;

std::optional<std::vector<double>> ShiftedSystem::Solve(double shift) const {
  const Eigen::Index dim = state_->diagonal.size();
  const double smallest = kSmallestPivot * (state_->diagonal.maxCoeff() + shift);
  RowMajor x = state_->rotated;
  Eigen::VectorXd pivots(dim);  // of T + shift I = L D L'
  for (Eigen::Index i = 0; i < dim; ++i) {
    pivots[i] = state_->diagonal[i] + shift;
    if (i > 0) {
      const double factor = state_->below[i - 1] / pivots[i - 1];
      pivots[i] -= factor * state_->below[i - 1];
      x.row(i) -= factor * x.row(i - 1);
    }
    if (!(pivots[i] > smallest)) return std::nullopt;
  }
  x.row(dim - 1) /= pivots[dim - 1];
  for (Eigen::Index i = dim - 1; i-- > 0;) {
    x.row(i) = (x.row(i) - state_->below[i] * x.row(i + 1)) / pivots[i];
  }
  std::vector<double> result(static_cast<size_t>(x.size()));
  Eigen::Map<RowMajor>(result.data(), dim, x.cols()).noalias() = state_->q * x;
  return result;
}

std::optional<std::vector<double>> SolveShifted(std::span<const double> a,
                                                std::span<const double> b, size_t dim,
                                                double shift) {
  Eigen::MatrixXd shifted = Symmetric(a, dim);
  shifted.diagonal().array() += shift;
  const double smallest = kSmallestPivot * shifted.diagonal().maxCoeff();
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(shifted);
  if (factor.info() != Eigen::Success) return std::nullopt;
  const double pivot = factor.matrixLLT().diagonal().minCoeff();
  if (!(pivot * pivot > smallest)) return std::nullopt;
  const auto right = RightSides(b, dim);
  std::vector<double> result(b.size());
  Eigen::Map<RowMajor> x(result.data(), right.rows(), right.cols());
  x = right;
  factor.solveInPlace(x);
  return result;
}

}  // namespace augstore
