// Measures a transform on pairs: the numbers of a card.
#ifndef AUGSTORE_ENGINE_CARD_H_
#define AUGSTORE_ENGINE_CARD_H_

#include <string>

#include "schemas/records.h"
#include "schemas/types.h"

namespace augstore {

// z, z' = Φ(g(x)) and Ω(z), n x d each, n >= 1, same shape. Sums are in double. `data` names the set.
CardEntry MeasureCard(std::string data, ConstMatrixView z, ConstMatrixView z_target, ConstMatrixView z_mapped);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CARD_H_
