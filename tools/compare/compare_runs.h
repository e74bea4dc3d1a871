// The runs of a comparison: for every experiment, heads in every mode with every seed.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_

#include <vector>

#include "tools/compare/compare.h"
#include "tools/compare/compare_data.h"

namespace augstore {

// Trains and tests all heads. Errors: those of OpenStream and TrainHeads; kUnavailable
// "interrupted" after Ctrl-C.
Result<CompareResult> RunCompare(const CompareFlags& flags, Trials& trials, LazyBackbone& backbone,
                                 CompareData& data, std::vector<CompareTransform> transforms);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_
