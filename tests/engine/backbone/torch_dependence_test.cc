#include "engine/backbone/torch_dependence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/backbone/torch_module.h"

namespace augstore {
namespace {

Dependence Measure(const std::string& body, int64_t slots) {
  torch::jit::Module module("phi");
  module.define("def forward(self, x):\n    " + body + "\n");
  return MeasureDependence(module, PatternBatch({slots, 8, 8}));
}

std::string Refusal(const Dependence& dependence) {
  const Status status = CheckDependence(dependence);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  return status.message();
}

TEST(TorchDependence, IsNothingWhereAnEmbeddingComesFromItsImageAlone) {
  for (const int64_t slots : {1, 2, 3, 16}) {
    const Dependence found = Measure("return x.flatten(2).mean(2)", slots);
    EXPECT_EQ(found.on_run, 0);
    EXPECT_EQ(found.on_companions, 0);
    EXPECT_EQ(found.on_slot, 0);
    EXPECT_TRUE(CheckDependence(found).ok());
  }
}

TEST(TorchDependence, FindsDrawsAndSaysSo) {
  for (const int64_t slots : {1, 4}) {
    const Dependence found = Measure("return x.flatten(2).mean(2) + torch.rand([3])", slots);
    EXPECT_GT(found.on_run, 0);
    EXPECT_NE(Refusal(found).find("from run to run, by up to "), std::string::npos);
  }
}

TEST(TorchDependence, FindsImagesThatMixAndSaysSo) {
  for (const std::string mixed : {"x.mean(0)", "x[:1]", "x[-1:]", "1e-6 * x.roll([1], [0])"}) {
    for (const int64_t slots : {2, 3, 16}) {
      const Dependence found = Measure("return (x - " + mixed + ").flatten(2).mean(2)", slots);
      EXPECT_EQ(found.on_run, 0) << mixed;
      EXPECT_GT(found.on_companions, 0) << mixed << " of " << slots;
      EXPECT_NE(Refusal(found).find("with the other images of the batch"), std::string::npos);
    }
  }
}

TEST(TorchDependence, OnASlotIsAllowedUpToRounding) {
  const auto shifted = [](const std::string& by) {
    return Measure("return x.flatten(1) + " + by + " * torch.arange(4).unsqueeze(1)", 4);
  };
  const Dependence rounding = shifted("1e-6");
  EXPECT_EQ(rounding.on_companions, 0);
  EXPECT_GT(rounding.on_slot, 0);
  EXPECT_TRUE(CheckDependence(rounding).ok()) << rounding.on_slot;
  // The values are uniform in [0, 1], and the image of slot 0 is in slot 3 as well.
  const Dependence meant = shifted("1e-3");
  EXPECT_NEAR(meant.on_slot, 3e-3 * std::sqrt(12), 2e-4);
  EXPECT_NE(Refusal(meant).find("with the image's slot in the batch, by up to 0.01"),
            std::string::npos);
}

TEST(TorchDependence, OfTheFeatureMapCounts) {
  const Dependence found = Measure("return (x.flatten(2).mean(2), x - x.mean(0))", 4);
  EXPECT_GT(found.on_companions, 0);
}

TEST(TorchDependence, IsNothingWhereEveryRunGivesTheSameNan) {
  const Dependence found = Measure("return (x.flatten(2).mean(2) - 2).sqrt()", 4);
  EXPECT_TRUE(CheckDependence(found).ok());
}

}  // namespace
}  // namespace augstore
