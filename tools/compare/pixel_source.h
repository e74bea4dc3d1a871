// Batches of pixel space: the samples and draws are those of the wrapped stream, but z is Φ of the
// augmented pixels of every row, as in ordinary training.
#ifndef AUGSTORE_TOOLS_COMPARE_PIXEL_SOURCE_H_
#define AUGSTORE_TOOLS_COMPARE_PIXEL_SOURCE_H_

#include <memory>
#include <vector>

#include "engine/backbone/torch_backbone.h"
#include "engine/images/image_ops.h"
#include "tools/head/head_runs.h"

namespace augstore {

// `images` by sample id; `ops_of_chain` by the stream's chain index. `phi` and `images` must
// outlive the source.
std::unique_ptr<BatchSource> PixelSource(std::unique_ptr<BatchStream> stream, Backbone* phi,
                                         const std::vector<Image>* images,
                                         std::vector<std::vector<ImageOp>> ops_of_chain);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_PIXEL_SOURCE_H_
