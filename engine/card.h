// Measures a transform on pairs: the numbers of a card.
#ifndef AUGSTORE_ENGINE_CARD_H_
#define AUGSTORE_ENGINE_CARD_H_

#include <string>

#include "schemas/records.h"
#include "schemas/types.h"

namespace augstore {

// z, z' = Φ(g(x)) and Ω(z), n x d each, n >= 1, same shape. Sums are in double. `data` names the
// set.
// Every number is finite when the matrices are. Where a divisor is 0: `explained` is 0 when Ω
// leaves z as it is and -1 when not (all z' = z); a cosine with a zero vector is 1 when both are
// zero and 0 otherwise; `dispersion` is 1 when neither set varies (n = 1) and 0 when z' alone does
// not.
CardEntry MeasureCard(std::string data, ConstMatrixView z, ConstMatrixView z_target,
                      ConstMatrixView z_mapped);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CARD_H_
