#include "engine/math/principal_plane.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/math/counter_rng.h"
#include "engine/math/eigen_decompose.h"
#include "engine/math/onednn_gemm.h"

namespace augstore {
namespace {

// More directions than are wanted make the first ones converge sooner.
constexpr size_t kBlock = 6;
constexpr int kMostRounds = 60;
constexpr double kConverged = 1e-5;  // change of the variances that were found, relatively

std::vector<float> MeanOf(ConstMatrixView rows) {
  std::vector<double> sums(rows.cols);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t j = 0; j < rows.cols; ++j) sums[j] += rows.row(i)[j];
  }
  std::vector<float> mean(rows.cols);
  for (size_t j = 0; j < rows.cols; ++j) {
    mean[j] = static_cast<float>(sums[j] / static_cast<double>(rows.rows));
  }
  return mean;
}

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

// Gram-Schmidt, twice, as once leaves too much of it in f32. What depends on the rows before
// becomes zero.
void Orthonormalise(MatrixView directions) {
  for (size_t i = 0; i < directions.rows; ++i) {
    const std::span<float> row = directions.row(i);
    const double before = std::sqrt(Dot(row, row));
    for (int pass = 0; pass < 2; ++pass) {
      for (size_t k = 0; k < i; ++k) {
        const double along = Dot(row, directions.row(k));
        for (size_t j = 0; j < row.size(); ++j) {
          row[j] -= static_cast<float>(along * directions.row(k)[j]);
        }
      }
    }
    const double length = std::sqrt(Dot(row, row));
    const double scale = length > 1e-6 * before ? 1 / length : 0;
    for (float& value : row) value = static_cast<float>(value * scale);
  }
}

// Along orthonormal directions, which are turned so that they are uncorrelated, the greatest
// variance first; `coordinates` are the rows', one column for each direction.
std::vector<double> TurnToAxes(ConstMatrixView coordinates, MatrixView directions) {
  const size_t n = directions.rows;
  std::vector<double> covariance(n * n);
  for (size_t i = 0; i < coordinates.rows; ++i) {
    for (size_t a = 0; a < n; ++a) {
      for (size_t b = 0; b < n; ++b) {
        covariance[a * n + b] += double{coordinates.row(i)[a]} * coordinates.row(i)[b];
      }
    }
  }
  const SymmetricEigen eigen = DecomposeSymmetric(covariance, n);
  Matrix turned(n, directions.cols);
  for (size_t to = 0; to < n; ++to) {
    std::ranges::fill(turned.row(to), 0.0f);
    for (size_t from = 0; from < n; ++from) {
      const auto weight = static_cast<float>(eigen.vectors[from * n + to]);
      for (size_t j = 0; j < directions.cols; ++j) {
        turned.row(to)[j] += weight * directions.row(from)[j];
      }
    }
  }
  std::copy_n(turned.data(), n * directions.cols, directions.data);
  return eigen.values;
}

// Which of the two ways an axis points is chance: one is as good as the other.
std::vector<float> Signed(std::span<const float> axis) {
  const auto largest =
      std::ranges::max_element(axis, {}, [](float value) { return std::abs(value); });
  std::vector<float> result(axis.begin(), axis.end());
  if (largest != axis.end() && *largest < 0) {
    for (float& value : result) value = -value;
  }
  return result;
}

}  // namespace

Result<PrincipalPlane> FindPrincipalPlane(ConstMatrixView rows, const Cancellation& cancellation) {
  const auto n = static_cast<int64_t>(rows.rows);
  const auto dim = static_cast<int64_t>(rows.cols);
  const auto block = static_cast<int64_t>(std::min(kBlock, rows.cols));
  PrincipalPlane plane{.mean = MeanOf(rows), .axes = {}};
  Matrix centred(rows.rows, rows.cols);
  double variance = 0;
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t j = 0; j < rows.cols; ++j) centred.row(i)[j] = rows.row(i)[j] - plane.mean[j];
    variance += Dot(centred.row(i), centred.row(i));
  }
  Matrix directions(static_cast<size_t>(block), rows.cols);
  for (size_t i = 0; i < directions.rows() * rows.cols; ++i) {
    directions.data()[i] = static_cast<float>(PhiloxUniform(0, RngUse::kInit, 0, i) - 0.5);
  }
  Orthonormalise(directions.view());
  Matrix coordinates(rows.rows, static_cast<size_t>(block));
  std::vector<double> values;
  for (int round = 0; round < kMostRounds; ++round) {
    AUGSTORE_TRY(cancellation.Check());
    Gemm(false, true, n, block, dim, centred.data(), dim, directions.data(), dim, 0,
         coordinates.data(), block);
    const std::vector<double> before = std::move(values);
    values = TurnToAxes(coordinates.view(), directions.view());
    const double found = values[0] + (block > 1 ? values[1] : 0);
    const double found_before = before.empty() ? 0 : before[0] + (block > 1 ? before[1] : 0);
    if (std::abs(found - found_before) <= kConverged * found) break;
    Gemm(false, true, n, block, dim, centred.data(), dim, directions.data(), dim, 0,
         coordinates.data(), block);
    Gemm(true, false, block, dim, n, coordinates.data(), block, centred.data(), dim, 0,
         directions.data(), dim);
    Orthonormalise(directions.view());
  }
  for (size_t axis = 0; axis < plane.axes.size(); ++axis) {
    if (static_cast<int64_t>(axis) < block) {
      plane.axes[axis] = Signed(directions.view().row(axis));
      plane.explained[axis] = variance > 0 ? values[axis] / variance : 0;
    } else {
      plane.axes[axis].assign(rows.cols, 0.0f);
    }
  }
  return plane;
}

std::vector<std::array<float, 2>> ProjectOnto(const PrincipalPlane& plane, ConstMatrixView rows) {
  std::vector<std::array<float, 2>> points(rows.rows);
  std::vector<float> centred(rows.cols);
  for (size_t i = 0; i < rows.rows; ++i) {
    for (size_t j = 0; j < rows.cols; ++j) centred[j] = rows.row(i)[j] - plane.mean[j];
    for (size_t axis = 0; axis < 2; ++axis) {
      points[i][axis] = static_cast<float>(Dot(centred, plane.axes[axis]));
    }
  }
  return points;
}

}  // namespace augstore
