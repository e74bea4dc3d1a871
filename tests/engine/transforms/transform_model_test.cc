#include "engine/transforms/transform_model.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 6;

Result<NetworkPtr> OneLayer(unsigned seed) {
  return MakeNetwork(RandomLayers({{kDim, kDim, Activation::kNone, false}}, seed));
}

TEST(MakeTransformModel, RefusesABasisOfAnotherSizeThanTheOpsHaveFeatures) {
  TransformWeights weights;
  weights.layers = RandomLayers({{kDim, kDim, Activation::kRelu, true}}, 1);
  weights.ops = "hflip,vflip,rotate(-15..15)";
  weights.slots = 2;
  weights.basis = RandomLayers({{kDim, kDim, Activation::kNone, false}}, 2).layers;
  EXPECT_NE(MakeTransformModel(std::move(weights)).status().message().find("5 features"),
            std::string::npos);
}

TEST(DerivedNetworks, KeepsANetworkForAsLongAsItIsHeld) {
  DerivedNetworks derived;
  int made = 0;
  const auto make = [&made] {
    ++made;
    return OneLayer(static_cast<unsigned>(made));
  };
  NetworkPtr held = derived.Get("hflip", make).value();
  EXPECT_EQ(derived.Get("hflip", make).value(), held);
  EXPECT_NE(derived.Get("vflip", make).value(), held);
  EXPECT_EQ(made, 2);
  held.reset();
  EXPECT_TRUE(derived.Get("hflip", make).ok());
  EXPECT_EQ(made, 3);
}

TEST(DerivedNetworks, HandsOnTheErrorOfMaking) {
  DerivedNetworks derived;
  const auto fail = []() -> Result<NetworkPtr> { return Internal("no memory"); };
  EXPECT_EQ(derived.Get("hflip", fail).status().code(), Code::kInternal);
  EXPECT_TRUE(derived.Get("hflip", [] { return OneLayer(1); }).ok());
}

}  // namespace
}  // namespace augstore
