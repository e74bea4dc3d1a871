#include "engine/transforms/holdout.h"

#include <algorithm>

#include "engine/math/counter_rng.h"

namespace augstore {

std::vector<bool> HoldoutMask(size_t count, uint64_t seed, double fraction) {
  std::vector<double> draws(count);
  for (size_t i = 0; i < count; ++i) draws[i] = PhiloxUniform(seed, RngUse::kSplit, 0, i);
  const auto [least, most] = std::minmax_element(draws.begin(), draws.end());
  *least = 0;
  *most = 1;
  std::vector<bool> held_out(count);
  for (size_t i = 0; i < count; ++i) held_out[i] = draws[i] < fraction;
  return held_out;
}

Matrix KeepErrors(ConstMatrixView target, ConstMatrixView mapped, size_t count) {
  count = std::min(count, target.rows);
  Matrix error_bank(count, count == 0 ? 0 : target.cols);
  for (size_t i = 0; i < count; ++i) {
    const size_t row = i * target.rows / count;
    for (size_t j = 0; j < target.cols; ++j) {
      error_bank.row(i)[j] = target.row(row)[j] - mapped.row(row)[j];
    }
  }
  return error_bank;
}

}  // namespace augstore
