// The convolutions of a spatial transform, made from the last blocks of its backbone.
#ifndef AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_
#define AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/fitting/fit_options.h"
#include "engine/fitting/model_selection.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Reads a TorchScript file that maps n x channels x height x width to n x d: the part of a backbone
// behind its cut. Batch normalisation is folded into the convolutions. Understood are convolutions
// (square, odd kernels, padding kernel / 2, stride 1 or 2, no groups, no dilation), ReLU, sums of
// two tensors, and at the end the mean over space. TorchScript is code: only for a file that the
// operator named. Errors: kNotFound, kInvalidArgument (anything else in it, named).
Result<std::vector<Conv>> ReadLastBlocks(const std::string& path);

// Every convolution with a kernel above 1 as two of them, kernel x kernel to `rank` channels and
// 1 x 1 from there, by the singular value decomposition of its weights [out, in * kernel * kernel]:
// the best approximation of that rank. Those that would not become cheaper, and all when rank is
// 0, stay. M. Jaderberg, A. Vedaldi and A. Zisserman, "Speeding up convolutional neural networks
// with low rank expansions", BMVC 2014, has this and finer splits.
std::vector<Conv> FactoriseLastBlocks(std::vector<Conv> convs, uint32_t rank);

// Ω(z, map) = relu(A z + tail(map) + b), tail = `front` with all its convolutions, fitted by AdamW
// to the pairs from A = 0, b = 0: the backbone's own tail on the moved map. The best epoch by
// held-out error is kept, of at most options.last_blocks_epochs; patience and `progress` as for
// other families. The same pairs and options give the same weights for one number of compute
// threads. REQUIRES: pairs with maps of front.map, checked options, a valid front with d features.
// Errors: kInvalidArgument (diverged), kInternal (Torch failed).
Result<FittedTransform> TrainLastBlocks(const TransformPairs& pairs,
                                        const TransformTrainOptions& options, SpatialFront front,
                                        const TransformProgressCallback& progress);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_
