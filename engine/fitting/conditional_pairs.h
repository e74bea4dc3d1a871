// What a conditional transform is fitted to.
#ifndef AUGSTORE_ENGINE_FITTING_CONDITIONAL_PAIRS_H_
#define AUGSTORE_ENGINE_FITTING_CONDITIONAL_PAIRS_H_

#include <cstdint>
#include <vector>

#include "engine/images/op_pattern.h"
#include "schemas/base/types.h"

namespace augstore {

// Views of some images: z' = Φ(ops(x)), each with its own ops.
struct ConditionalPairs {
  std::vector<uint32_t> images;  // row of z that view i belongs to
  std::vector<OpPattern> ops;    // fixed, 1 .. slots ops
  Matrix targets;                // views x d
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_CONDITIONAL_PAIRS_H_
