// The fit of one op of a conditional transform.
#ifndef AUGSTORE_ENGINE_CONDITIONAL_OP_FIT_H_
#define AUGSTORE_ENGINE_CONDITIONAL_OP_FIT_H_

#include <vector>

#include "engine/conditional/conditional_pairs.h"
#include "engine/conditional/conditional_ridge.h"
#include "engine/images/op_pattern.h"
#include "schemas/base/types.h"
#include "schemas/weights/layers.h"

namespace augstore {

// What is fitted, cut into two parts by image. Referred to, not copied.
struct ConditionalProblem {
  const OpFamily& family;
  ConstMatrixView z;
  const ConditionalPairs& pairs;
  std::vector<bool> held_out;  // of each image
  bool non_negative = false;   // every z' is: the transform ends in ReLU

  bool InPart(size_t view, bool part) const { return held_out[pairs.images[view]] == part; }
};

// The views of one part that have `op` and no other, with its features.
OpViews ViewsOfOp(const ConditionalProblem& problem, const OpTerm& op, bool held_out);

struct OpFit {
  std::vector<Layer> basis;  // an affine map for each feature of the op
  double lambda = 0;         // chosen by held-out error, among 1e-4 to 10
};

// REQUIRES: inputs are problem.z, centred. Errors: kInvalidArgument (a part without views; no λ can
// be solved).
Result<OpFit> FitOp(const ConditionalProblem& problem, const CentredInputs& inputs,
                    const OpTerm& op);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_CONDITIONAL_OP_FIT_H_
