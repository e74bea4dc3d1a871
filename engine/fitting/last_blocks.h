// Cheaper last blocks of a backbone, where the family "last_blocks" starts.
#ifndef AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_
#define AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_

#include <cstdint>
#include <vector>

#include "schemas/weights/spatial_front.h"

namespace augstore {

// Replaces every convolution with a kernel above 1 by two, kernel x kernel to `rank` channels and
// 1 x 1 from there, by the singular value decomposition of its weights [out, in * kernel * kernel]:
// the best approximation of that rank. Convolutions that would not become cheaper stay as they are;
// all stay when rank is 0. M. Jaderberg, A. Vedaldi and A. Zisserman, "Speeding up convolutional
// neural networks with low rank expansions", BMVC 2014, has this and finer splits.
std::vector<Conv> FactoriseLastBlocks(std::vector<Conv> convs, uint32_t rank);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_FITTING_LAST_BLOCKS_H_
