// Counts what a network computes. No Torch type here: a file that includes one takes long to
// compile.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_MULTIPLY_ADDS_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_MULTIPLY_ADDS_H_

#include <cstdint>
#include <functional>

namespace augstore {

// Multiply-adds of the convolutions and matrix products that Torch runs within run(), on the
// calling thread. Operators that were fused before do not report their shapes and count as 0, so
// count on the network as it was loaded. Passes on what run() throws.
uint64_t CountMultiplyAdds(const std::function<void()>& run);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_MULTIPLY_ADDS_H_
