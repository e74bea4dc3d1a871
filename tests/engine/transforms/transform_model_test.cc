#include "engine/transforms/transform_model.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 6;
constexpr uint64_t kWeights = uint64_t{kDim} * kDim;

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
  DerivedNetworks derived(nullptr);
  int made = 0;
  const auto make = [&made] {
    ++made;
    return OneLayer(static_cast<unsigned>(made));
  };
  NetworkPtr held = derived.Get("hflip", kWeights, make).value();
  EXPECT_EQ(derived.Get("hflip", kWeights, make).value(), held);
  EXPECT_NE(derived.Get("vflip", kWeights, make).value(), held);
  EXPECT_EQ(made, 2);
  held.reset();
  EXPECT_TRUE(derived.Get("hflip", kWeights, make).ok());
  EXPECT_EQ(made, 3);
}

TEST(DerivedNetworks, CountsANetworkForAsLongAsItIsHeld) {
  MemoryBudget memory(BytesOfWeights(kWeights), "tests");
  DerivedNetworks derived(&memory);
  const auto make = [] { return OneLayer(1); };
  NetworkPtr held = derived.Get("hflip", kWeights, make).value();
  EXPECT_EQ(derived.Get("hflip", kWeights, make).value(), held) << "takes nothing more";
  const Status refused = derived.Get("vflip", kWeights, make).status();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_NE(refused.message().find("op vflip"), std::string::npos) << refused.ToString();
  held.reset();
  EXPECT_EQ(memory.taken(), 0u);
  EXPECT_TRUE(derived.Get("vflip", kWeights, make).ok());
}

TEST(MakeTransformModel, CountsTheModelForAsLongAsItIsHeld) {
  const auto weights = [] {
    TransformWeights made;
    made.layers = RandomLayers({{kDim, kDim, Activation::kNone, false}}, 1);
    return made;
  };
  const uint64_t bytes = BytesOfWeights(kWeights + kDim);  // and the biases
  MemoryBudget little(bytes - 1, "tests");
  EXPECT_EQ(MakeTransformModel(weights(), &little).status().code(), Code::kResourceExhausted);
  MemoryBudget enough(bytes, "tests");
  TransformModelPtr model = MakeTransformModel(weights(), &enough).value();
  EXPECT_EQ(enough.taken(), bytes);
  model.reset();
  EXPECT_EQ(enough.taken(), 0u);
}

TEST(DerivedNetworks, HandsOnTheErrorOfMaking) {
  DerivedNetworks derived(nullptr);
  const auto fail = []() -> Result<NetworkPtr> { return Internal("no memory"); };
  EXPECT_EQ(derived.Get("hflip", kWeights, fail).status().code(), Code::kInternal);
  EXPECT_TRUE(derived.Get("hflip", kWeights, [] { return OneLayer(1); }).ok());
}

}  // namespace
}  // namespace augstore
