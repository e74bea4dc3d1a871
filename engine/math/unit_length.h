// Rows of length 1: what embeddings are that a backbone normalises (L2).
#ifndef AUGSTORE_ENGINE_MATH_UNIT_LENGTH_H_
#define AUGSTORE_ENGINE_MATH_UNIT_LENGTH_H_

#include <span>

#include "schemas/base/types.h"

namespace augstore {

// Whether every row's Euclidean length is 1, up to 1e-4; false when there are no rows.
bool HaveUnitLength(ConstMatrixView rows);

// Divides the row by its length. False: it has none (all values are 0, or one is no number) and is
// left as it is. Equal rows become equal bytes on every processor.
bool ScaleToUnitLength(std::span<float> row);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_UNIT_LENGTH_H_
