// How sure a measured G is: percentile intervals of the bootstrap over pairs (B. Efron, "Bootstrap
// methods: another look at the jackknife", Ann. Statist. 7, 1979), and of the paired difference of
// two transforms that were measured on the same pairs.
//
// Pair i has the error |Ω(z_i) - z'_i|² and the baseline |z_i - z'_i|², and G = 1 - Σ error /
// Σ baseline; where Σ baseline is 0, G is 0 when Σ error is 0 too and -1 otherwise, as on a card.
// A resample draws as many pairs as there are, with replacement; the draws are Philox's for
// (seed, resample, position), so that an interval is the same every time and everywhere.
// Time: about 5 ns for each of the kResamples draws of each pair. Any thread may call.
#ifndef AUGSTORE_ENGINE_MATH_BOOTSTRAP_H_
#define AUGSTORE_ENGINE_MATH_BOOTSTRAP_H_

#include <cstdint>
#include <span>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

inline constexpr uint32_t kResamples = 1000;

struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

// Of each row: |a - b|², summed in double. REQUIRES: same shapes.
std::vector<double> SquaredDistances(ConstMatrixView a, ConstMatrixView b);

// G as it was measured. REQUIRES here and below: spans of the same length, at most 2^32 pairs.
// No pairs: 0, and intervals from 0 to 0.
double R2Of(std::span<const double> errors, std::span<const double> baselines);

// The 95 % interval of G.
Interval BootstrapR2(std::span<const double> errors, std::span<const double> baselines,
                     uint64_t seed);

// The 95 % interval of G(a) - G(b), both on the same pairs: when it contains 0, these pairs do not
// tell which is better.
Interval BootstrapR2Difference(std::span<const double> errors_a, std::span<const double> errors_b,
                               std::span<const double> baselines, uint64_t seed);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_BOOTSTRAP_H_
