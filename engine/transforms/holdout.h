// Which pairs are held out, and which of their errors are kept with a transform.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_HOLDOUT_H_
#define AUGSTORE_ENGINE_TRANSFORMS_HOLDOUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "schemas/base/types.h"

namespace augstore {

// True for the pairs that are held out: pair i when its draw of (seed, i) is below `fraction`. If
// that leaves one part empty, the part gets the pair whose draw is nearest to it. REQUIRES: count
// >= 2.
std::vector<bool> HoldoutMask(size_t count, uint64_t seed, double fraction);

// At most `count` errors z' - Ω(z), evenly among the rows. REQUIRES: same shapes.
Matrix KeepErrors(ConstMatrixView target, ConstMatrixView mapped, size_t count);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_HOLDOUT_H_
