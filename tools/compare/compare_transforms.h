// The transforms of a comparison: one for every op and family.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_TRANSFORMS_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_TRANSFORMS_H_

#include <string>
#include <vector>

#include "tools/compare/compare.h"
#include "tools/compare/trials.h"

namespace augstore {

// Writes the ops of `flags` in their canonical form. Errors: kInvalidArgument (an op or a family
// that does not exist, a family that needs --last-blocks).
Status CheckTransformFlags(ExperimentFlags* flags);

// Fits Ω of every op and family on pairs of the images `base` and registers it in the trials, or
// finds it there when an earlier run fitted it on the same pairs. Each card has the entry
// "held-out" first and one of the images `test` second. Errors: those of MakePairs and
// TrainTransform; kUnavailable "interrupted" after Ctrl-C.
Result<std::vector<CompareTransform>> PrepareTransforms(const ExperimentFlags& flags,
                                                        Trials& trials,
                                                        const std::vector<ImageItem>& base,
                                                        const std::vector<ImageItem>& test);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_TRANSFORMS_H_
