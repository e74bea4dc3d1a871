#include "engine/kernels/tile_engine.h"

#include <cmath>

#include "engine/kernels/tile_product.h"
#include "tests/engine/kernels/engine_contract.h"

namespace augstore {
namespace {

// Every kernel that this processor can run keeps the contract of engines.
std::vector<EngineFactory> Factories() {
  std::vector<EngineFactory> factories;
  for (const TileKernel* kernel : SupportedTiles()) {
    if (kernel == &kPortableTiles)
      factories.push_back([] { return NewTileEngine(kPortableTiles); });
#if defined(__x86_64__)
    if (kernel == &kAvx2Tiles) factories.push_back([] { return NewTileEngine(kAvx2Tiles); });
    if (kernel == &kAvx512Tiles) factories.push_back([] { return NewTileEngine(kAvx512Tiles); });
#endif
  }
  return factories;
}

INSTANTIATE_TEST_SUITE_P(Tiles, EngineContract, testing::ValuesIn(Factories()));

TEST(TileEngine, TakesTheBestKernel) {
  EXPECT_EQ(NewTileEngine()->name(), SupportedTiles().back()->name);
  EXPECT_EQ(NewTileEngine(kPortableTiles)->name(), "portable");
}

TEST(TileEngine, AgreesWithPlainLoopsAtFullSize) {
  for (const TileKernel* kernel : SupportedTiles()) {
    const std::unique_ptr<Engine> engine = NewTileEngine(*kernel);
    EXPECT_TRUE(AgreesWithPlainLoops(*engine, RandomNetwork(MlpShapes(512)), 25)) << kernel->name;
    EXPECT_TRUE(RowsStandAlone(*engine, RandomNetwork(MlpShapes(512, true)))) << kernel->name;
    // Several blocks of the inner dimension, of which the last is shorter, and an odd last panel.
    const NetworkPtr deep = RandomNetwork({{1543, 71, Activation::kRelu, false}});
    EXPECT_TRUE(AgreesWithPlainLoops(*engine, deep, 25)) << kernel->name;
    EXPECT_TRUE(RowsStandAlone(*engine, deep)) << kernel->name;
  }
}

// One fused multiply-add after the other, by the definition in tile_product.h.
Matrix FusedSums(const Layer& layer, ConstMatrixView in) {
  Matrix out(in.rows, layer.shape.out);
  for (size_t row = 0; row < in.rows; ++row) {
    for (size_t o = 0; o < layer.shape.out; ++o) {
      float sum = layer.bias[o];
      for (size_t i = 0; i < layer.shape.in; ++i) {
        sum = std::fma(in.row(row)[i], layer.weight[o * layer.shape.in + i], sum);
      }
      if (layer.shape.residual) sum += in.row(row)[o];
      out.row(row)[o] = layer.shape.activation == Activation::kRelu && sum < 0 ? 0 : sum;
    }
  }
  return out;
}

TEST(TileEngine, GivesTheBytesOfFusedMultiplyAddsInOrderOnEveryProcessorThatHasThem) {
  const Matrix in = RandomMatrix(40, 600, 3);
  for (const TileKernel* kernel : SupportedTiles()) {
    if (kernel == &kPortableTiles) continue;  // may round twice
    for (const uint32_t out : {600u, 48u, 31u}) {
      const NetworkPtr network = RandomNetwork({{600, out, Activation::kRelu, out == 600}});
      const std::unique_ptr<Engine> engine = NewTileEngine(*kernel);
      EXPECT_TRUE(SameBytes(Applied(*engine, network, in.view()).view(),
                            FusedSums(network->layers.layers[0], in.view()).view()))
          << kernel->name << " " << out;
    }
  }
}

// A diagonal layer rounds after every step, also where the compiler could fuse.
TEST(TileEngine, RoundsTheStepsOfDiagonalLayers) {
  const Matrix in = RandomMatrix(20, 100, 3);
  const NetworkPtr network =
      RandomNetwork({{100, 100, Activation::kNone, false, LayerKind::kDiagonal}});
  const Layer& layer = network->layers.layers[0];
  Matrix expected(20, 100);
  for (size_t i = 0; i < 2000; ++i) {
    const volatile float product = in.data()[i] * layer.weight[i % 100];
    expected.data()[i] = product + layer.bias[i % 100];
  }
  const Matrix out = Applied(*NewTileEngine(), network, in.view());
  EXPECT_TRUE(SameBytes(out.view(), expected.view()));
}

TEST(TileEngine, KeepsWhatIsNotANumber) {
  Matrix in = RandomMatrix(3, 20, 1);
  in.row(1)[7] = NAN;
  for (const TileKernel* kernel : SupportedTiles()) {
    const Matrix out = Applied(*NewTileEngine(*kernel),
                               RandomNetwork({{20, 50, Activation::kRelu, false}}), in.view());
    for (size_t j = 0; j < 50; ++j) {
      EXPECT_FALSE(std::isnan(out.row(0)[j])) << kernel->name;
      EXPECT_TRUE(std::isnan(out.row(1)[j])) << kernel->name;
      EXPECT_FALSE(std::isnan(out.row(2)[j])) << kernel->name;
    }
  }
}

TEST(TileEngine, TellsNetworksOfOneShapeApart) {
  const std::unique_ptr<Engine> engine = NewTileEngine();
  const Matrix in = RandomMatrix(10, 16, 1);
  // Networks that die and networks that live, in turn: what was kept for a dead one must not answer
  // for the next.
  const NetworkPtr kept = RandomNetwork(MlpShapes(16), 1000);
  const Matrix expected = Applied(*engine, kept, in.view());
  for (unsigned seed = 0; seed < 20; ++seed) {
    EXPECT_TRUE(AgreesWithPlainLoops(*engine, RandomNetwork(MlpShapes(16), seed), 10)) << seed;
    EXPECT_TRUE(SameBytes(Applied(*engine, kept, in.view()).view(), expected.view()));
  }
}

}  // namespace
}  // namespace augstore
