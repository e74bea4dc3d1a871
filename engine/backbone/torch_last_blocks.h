// The last blocks of a backbone, read as data.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_LAST_BLOCKS_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_LAST_BLOCKS_H_

#include <string>
#include <vector>

#include "schemas/base/status.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Reads a TorchScript file that maps n x channels x height x width to n x d: the part of a backbone
// after its feature map. Batch normalisation is folded into the convolutions. The file may contain
// convolutions (square, odd kernels, padding kernel / 2, stride 1 or 2, no groups, no dilation),
// ReLU, sums of two tensors, and at the end the mean over space. TorchScript is code: only for a
// file that the operator named. Errors: kNotFound, kInvalidArgument (anything else in it, named).
Result<std::vector<Conv>> ReadLastBlocks(const std::string& path);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_LAST_BLOCKS_H_
