#include "engine/kernels/engine.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

TEST(MakeNetwork, GivesEachNetworkItsOwnNumber) {
  const NetworkPtr a = RandomNetwork(MlpShapes(4));
  const NetworkPtr b = RandomNetwork(MlpShapes(4));
  EXPECT_NE(a->id, b->id);
  EXPECT_EQ(a->layers, b->layers);
}

TEST(MakeNetwork, RefusesLayersThatDoNotValidate) {
  EXPECT_EQ(MakeNetwork(Layers{}).status().code(), Code::kInvalidArgument);
  Layers layers = RandomLayers(MlpShapes(4), 1);
  layers.layers[1].weight[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(MakeNetwork(layers).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
