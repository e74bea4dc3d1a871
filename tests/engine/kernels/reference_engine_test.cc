#include "tests/engine/kernels/reference_engine.h"
#include "tests/engine/kernels/engine_contract.h"

namespace augstore {
namespace {

INSTANTIATE_TEST_SUITE_P(Reference, EngineContract, testing::Values(&NewReferenceEngine));

TEST(ReferenceEngine, SaysItsName) { EXPECT_EQ(NewReferenceEngine()->name(), "reference"); }

TEST(ReferenceEngine, AddsUpInDoublePrecision) {
  // In float, 2^24 + 1 is 2^24.
  Layers layers;
  layers.layers.push_back({{3, 1, Activation::kNone, false}, {1, 1, -1}, {0}});
  Matrix in(1, 3);
  in.row(0)[0] = 16777216.0f;
  in.row(0)[1] = 1.0f;
  in.row(0)[2] = 16777216.0f;
  const std::unique_ptr<Engine> engine = NewReferenceEngine();
  EXPECT_EQ(Applied(*engine, MakeNetwork(layers).value(), in.view()).row(0)[0], 1.0f);
}

}  // namespace
}  // namespace augstore
