// An engine that multiplies in integers: an Engine that is not exact, and faster where the
// processor multiplies small integers faster than floats.
//
// What one dense layer computes, on every processor and with every kernel to the same bits. Steps
// in f32 round one by one, and none is fused:
//  - a row x of the layer's input becomes codes of 8 bits with an offset and a scale of its own:
//    offset = min(x), scale = (max(x) - min(x)) / 255,
//    code[i] = floor((x[i] - offset) * (255 / (max(x) - min(x))) + 0.5), 0 if all values are equal;
//  - a channel o of the weights becomes integers in [-127, 127] with a scale of its own. Of inner
//    elements i and i + 8, where i mod 16 < 8, the positive weights sum to at most 127 scales, and
//    so do the negative ones; the scale is the least that allows it, and w[i] / scale rounds to the
//    nearest, halves away from 0. (Two products then fit 16 bits, which AVX2 multiplies without
//    widening, a quarter faster; a bound on single weights would give scales a quarter smaller.) Of
//    a square layer the diagonal is kept apart in f32, and is 0 among the integers: transforms are
//    near the identity, whose 1 would leave few integers for the rest;
//  - y[o] = ((((scale * scale[o]) * sum(code[i] * w[o][i])) + offset * (scale[o] * sum(w[o][i])))
//           + bias[o]) + diagonal[o] * x[o] + x0[o], the last two where the layer has them, in
//    this order; then ReLU. The sums are integers and exact.
// Diagonal layers stay in f32, the same bytes as those of the tile engine.
//
// So a row's bits depend on that row alone, as engine.h asks of every engine. The values do not
// agree with the reference within 1e-4: a value is off by at most half a code's scale times each
// weight and half a weight's scale times each input, which with random weights comes to a hundredth
// of the output's standard deviation. A row is unspecified where one of its values, or the distance
// between its extremes, is not finite; other rows are not affected.
//
// Shapes, errors, memory and thread safety are those of engine.h.
#ifndef AUGSTORE_ENGINE_KERNELS_INT8_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_INT8_ENGINE_H_

#include <memory>
#include <vector>

#include "engine/kernels/engine.h"

namespace augstore {

struct Int8Kernel;

// On `kernel`, which this processor must have, or on its best. One thread per call. The packed
// weights of a network are made once in the process.
std::unique_ptr<Engine> NewInt8Engine(const Int8Kernel& kernel);
std::unique_ptr<Engine> NewInt8Engine();
// The kernels that this processor can run, the best last.
std::vector<const Int8Kernel*> SupportedInt8Kernels();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_INT8_ENGINE_H_
