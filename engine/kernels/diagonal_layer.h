// Diagonal layers, which every engine computes in f32: they are bound by memory.
#ifndef AUGSTORE_ENGINE_KERNELS_DIAGONAL_LAYER_H_
#define AUGSTORE_ENGINE_KERNELS_DIAGONAL_LAYER_H_

#include "schemas/weights/layers.h"

namespace augstore {

// target = activation(weight * source + bias [+ stack_input]) for `rows` rows, rounded after every
// step. `stack_input` is read by residual layers only. target must not overlap them.
void ApplyDiagonal(const Layer& layer, size_t rows, const float* source, const float* stack_input,
                   float* target);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_DIAGONAL_LAYER_H_
