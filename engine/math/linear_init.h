// Initial weights of a fully connected layer.
#ifndef AUGSTORE_ENGINE_MATH_LINEAR_INIT_H_
#define AUGSTORE_ENGINE_MATH_LINEAR_INIT_H_

#include <cstdint>
#include <span>

namespace augstore {

// The default of torch.nn.Linear for weights and biases: uniform within 1 / sqrt(in) of zero.
// `values` are the layer's weights followed by its biases; element i depends on (seed, layer, in,
// i) alone.
void InitialiseLinear(uint64_t seed, uint64_t layer, uint64_t in, std::span<float> values);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_LINEAR_INIT_H_
