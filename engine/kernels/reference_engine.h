// The engine that the others are tested against: plain loops with sums in double. Shapes, errors,
// memory and thread safety are those of engine.h.
#ifndef AUGSTORE_ENGINE_KERNELS_REFERENCE_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_REFERENCE_ENGINE_H_

#include <memory>

#include "engine/kernels/engine.h"

namespace augstore {

std::unique_ptr<Engine> NewReferenceEngine();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_REFERENCE_ENGINE_H_
