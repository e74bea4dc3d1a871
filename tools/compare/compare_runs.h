// The runs of a comparison: for every experiment, heads in every mode with every seed.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_

#include <memory>
#include <optional>
#include <vector>

#include "engine/images/image_ops.h"
#include "tools/compare/compare.h"
#include "tools/compare/compare_data.h"
#include "tools/head/head_runs.h"

namespace augstore {

// Trains and tests all heads. Errors: those of OpenStream and TrainHeads; kUnavailable
// "interrupted" after Ctrl-C.
Result<CompareResult> RunCompare(const CompareFlags& flags, Trials& trials, const CompareData& data,
                                 std::vector<CompareTransform> transforms);

// Batches of pixel space: the samples and draws are those of the stream, but z is Φ of the
// augmented pixels of every row, as in ordinary training. `images` by sample id; `ops` by the
// stream's chain index. `phi` and `images` must outlive the source.
std::unique_ptr<BatchSource> PixelSource(std::unique_ptr<BatchStream> stream, Backbone* phi,
                                         const std::vector<Image>* images,
                                         std::vector<std::optional<ImageOp>> ops);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_RUNS_H_
