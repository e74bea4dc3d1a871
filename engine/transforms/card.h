// Measures a transform on pairs: the numbers of a card.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_CARD_H_
#define AUGSTORE_ENGINE_TRANSFORMS_CARD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "schemas/base/types.h"
#include "schemas/records/records.h"

namespace augstore {

// What an interval resamples.
struct CardGroups {
  std::span<const size_t> ids = {};  // of each pair: equal ids are drawn together; empty: pairs
  uint64_t seed = 0;
};

// Measures z' = Φ(g(x)) against Ω(z), n x d each, n >= 1, of the same shape as z. Sums are in
// double. `data` names the set.
// Every number is finite when the matrices are. Where a divisor is 0: `r2` is 0 when Ω leaves z as
// it is and -1 when not (all z' = z); a cosine with a zero vector is 1 when both are zero and 0
// otherwise; `dispersion` is 1 when neither set varies (n = 1) and 0 when z' alone does not. The
// interval of `r2` is BootstrapR2's over groups, widened to hold `r2`; with one group it is no
// wider than that. Retrieval is left unmeasured (engine/transforms/card_retrieval.h).
CardEntry MeasureCard(std::string data, ConstMatrixView z, ConstMatrixView z_target,
                      ConstMatrixView z_mapped, const CardGroups& groups = {});

// Returns 1 - Σ|back - z|² / Σ|there - z|², for there = Ω(z) and back = Ω⁻¹(there), where Ω⁻¹
// imitates the op that undoes Ω's (itself, of a mirror image). 1: all the way back; 0: back is as
// far from z as there is; 1 when nothing moved at all. REQUIRES: n x d each, same shape.
double MeasureInverse(ConstMatrixView z, ConstMatrixView there, ConstMatrixView back);

using ApplyRows = std::function<Status(ConstMatrixView in, MatrixView out)>;
// Returns the microseconds that `apply` takes per row in the calling thread: the median of repeated
// calls on TimedRows(sample), after one call that is not counted. Takes about 50 ms. A property of
// this machine and moment. REQUIRES: sample.rows >= 1. Errors: those of `apply`.
Result<double> MeasureMicrosPerRow(ConstMatrixView sample, const ApplyRows& apply);
// 256 rows: those of `sample`, repeated. For what `apply` reads next to `in`, such as the feature
// maps of its rows.
Matrix TimedRows(ConstMatrixView sample);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_CARD_H_
