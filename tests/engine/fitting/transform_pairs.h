// Pairs (z, z') for tests of transform training.
#ifndef AUGSTORE_TESTS_ENGINE_FITTING_TRANSFORM_PAIRS_H_
#define AUGSTORE_TESTS_ENGINE_FITTING_TRANSFORM_PAIRS_H_

#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"

namespace augstore {

// Non-negative z with a mean, and z' = ReLU(z + half of a random map of z), which every family can
// learn.
struct TestPairs {
  explicit TestPairs(size_t rows, uint32_t dim = 16, unsigned seed = 1)
      : z(RandomMatrix(rows, dim, seed)), z_target(rows, dim) {
    for (size_t i = 0; i < rows * dim; ++i) {
      z.data()[i] = z.data()[i] > -1 ? z.data()[i] + 1 : 0;
    }
    Layers feature_map = RandomLayers({{dim, dim, Activation::kRelu, true}}, 7);
    for (float& weight : feature_map.layers[0].weight) weight *= 0.5F;
    z_target =
        Applied(*NewReferenceEngine(), MakeNetwork(std::move(feature_map)).value(), z.view());
  }
  Matrix z;
  Matrix z_target;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_FITTING_TRANSFORM_PAIRS_H_
