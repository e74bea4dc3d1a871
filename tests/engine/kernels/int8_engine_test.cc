#include "engine/kernels/int8_engine.h"

#include <cmath>
#include <limits>

#include "engine/kernels/int8_product.h"
#include "engine/kernels/tile_engine.h"
#include "schemas/base/limits.h"
#include "tests/engine/kernels/engine_contract.h"
#include "tests/engine/kernels/reference_engine.h"

namespace augstore {
namespace {

// A float that was rounded: the compiler fuses nothing across it.
float Rounded(float value) {
  const volatile float rounded = value;
  return rounded;
}

// One channel of a layer by the definition in int8_engine.h.
struct Channel {
  Channel(const Layer& layer, size_t o) {
    const size_t in = layer.shape.in;
    std::vector<double> weight(layer.weight.begin() + static_cast<ptrdiff_t>(o * in),
                               layer.weight.begin() + static_cast<ptrdiff_t>((o + 1) * in));
    if (in == layer.shape.out) diagonal = layer.weight[o * in + o], weight[o] = 0;
    double largest = 0;
    for (size_t i = 0; i < in; ++i) {
      const double other = i % 16 < 8 && i + 8 < in ? weight[i + 8] : 0;
      for (const double sign : {1.0, -1.0})
        largest = std::max(largest, std::max(sign * weight[i], 0.0) + std::max(sign * other, 0.0));
    }
    for (const double value : weight) {
      steps.push_back(largest == 0 ? 0 : std::lround(value * (127 / largest)));
      total += steps.back();
    }
    scale = static_cast<float>(largest / 127);
  }
  std::vector<int64_t> steps;
  int64_t total = 0;
  float scale = 0;
  float diagonal = 0;
};

// Row by row and step by step.
Matrix PlainDense(const Layer& layer, ConstMatrixView in, ConstMatrixView stack_input) {
  std::vector<Channel> channels;
  for (size_t o = 0; o < layer.shape.out; ++o) channels.emplace_back(layer, o);
  Matrix out(in.rows, layer.shape.out);
  for (size_t row = 0; row < in.rows; ++row) {
    const std::span<const float> x = in.row(row);
    const float low = *std::min_element(x.begin(), x.end());
    const float range = *std::max_element(x.begin(), x.end()) - low;
    std::vector<int64_t> codes;
    for (const float value : x) {
      const float scaled = range > 0 ? Rounded(value - low) * Rounded(255 / range) : 0;
      // NOLINTNEXTLINE(bugprone-incorrect-roundings): as the engine does
      codes.push_back(static_cast<int64_t>(Rounded(scaled) + 0.5f));
    }
    for (size_t o = 0; o < layer.shape.out; ++o) {
      const Channel& channel = channels[o];
      int64_t sum = 0;
      for (size_t i = 0; i < x.size(); ++i) sum += codes[i] * channel.steps[i];
      float y = Rounded(Rounded(Rounded(range / 255) * channel.scale) * static_cast<float>(sum));
      y = Rounded(y + Rounded(low * Rounded(channel.scale * static_cast<float>(channel.total))));
      y = Rounded(y + layer.bias[o]);
      if (x.size() == layer.shape.out) y = Rounded(y + Rounded(channel.diagonal * x[o]));
      if (layer.shape.residual) y = Rounded(y + stack_input.row(row)[o]);
      out.row(row)[o] = layer.shape.activation == Activation::kRelu && y < 0 ? 0 : y;
    }
  }
  return out;
}

Matrix PlainRows(const Layers& layers, ConstMatrixView in) {
  Matrix value = Copy(in);
  for (const Layer& layer : layers.layers) {
    if (layer.shape.kind == LayerKind::kDense) {
      value = PlainDense(layer, value.view(), in);
      continue;
    }
    for (size_t i = 0; i < value.rows() * value.cols(); ++i) {
      const size_t c = i % value.cols();
      float y = Rounded(Rounded(layer.weight[c] * value.data()[i]) + layer.bias[c]);
      if (layer.shape.residual) y = Rounded(y + in.data[i]);
      value.data()[i] = layer.shape.activation == Activation::kRelu && y < 0 ? 0 : y;
    }
  }
  return value;
}

// Rows of all kinds by turns: normal ones, those behind a ReLU, negative ones, constant ones.
Matrix MixedRows(size_t rows, size_t cols) {
  Matrix matrix = RandomMatrix(rows, cols, 5);
  for (size_t row = 0; row < rows; ++row) {
    for (float& value : matrix.row(row)) {
      if (row % 5 == 1) value = std::max(value, 0.0f);
      if (row % 5 == 2) value = -1 - std::abs(value);
      if (row % 5 == 3) value = static_cast<float>(row % 3) - 1.5f;
      if (row % 5 == 4) value *= 1e6f;
    }
  }
  return matrix;
}

void ExpectTheDefinition(const NetworkPtr& network, ConstMatrixView in) {
  const Matrix expected = PlainRows(network->layers, in);
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) {
    const Matrix out = Applied(*NewInt8Engine(*kernel), network, in);
    EXPECT_TRUE(SameBytes(out.view(), expected.view()))
        << kernel->name << ": " << in.cols << " to " << out.cols() << " columns, " << in.rows
        << " rows";
  }
}

TEST(Int8Engine, TakesTheBestKernel) {
  EXPECT_EQ(NewInt8Engine()->name(), SupportedInt8Kernels().back()->name);
  EXPECT_EQ(NewInt8Engine(kPortableInt8)->name(), "int8-portable");
}

TEST(Int8Engine, GivesTheBytesOfItsDefinitionWithEveryKernel) {
  for (const uint32_t in : {1u, 3u, 7u, 16u, 32u, 71u, 100u, 480u, 600u}) {
    for (const uint32_t out : {1u, 7u, 17u, 71u, 100u, 480u, 600u}) {
      const NetworkPtr network = RandomNetwork({{in, out, Activation::kRelu, in == out}});
      for (const size_t rows : {1u, 5u, 6u, 13u})
        ExpectTheDefinition(network, MixedRows(rows, in).view());
    }
  }
  ExpectTheDefinition(RandomNetwork({{3, 1543, Activation::kNone, false}}), MixedRows(7, 3).view());
  // Several blocks of the inner dimension, of which the last is shorter.
  ExpectTheDefinition(RandomNetwork({{1543, 71, Activation::kNone, false}}),
                      MixedRows(7, 1543).view());
}

TEST(Int8Engine, GivesTheBytesOfItsDefinitionForStacksOfLayers) {
  const Matrix in = MixedRows(101, 48);
  ExpectTheDefinition(RandomNetwork(MlpShapes(48)), in.view());
  ExpectTheDefinition(RandomNetwork(MlpShapes(48, true)), in.view());
  ExpectTheDefinition(RandomNetwork({{48, 96, Activation::kRelu, false},
                                     {96, 48, Activation::kRelu, true},
                                     {48, 17, Activation::kRelu, false},
                                     {17, 10, Activation::kNone, false}}),
                      in.view());
  ExpectTheDefinition(RandomNetwork({{48, 48, Activation::kNone, false, LayerKind::kDiagonal},
                                     {48, 48, Activation::kRelu, false},
                                     {48, 48, Activation::kRelu, true, LayerKind::kDiagonal}}),
                      in.view());
}

// All weights and all codes as large as they get, of both signs: nothing saturates or overflows.
TEST(Int8Engine, AddsTheLargestProductsExactly) {
  for (const size_t in : {size_t{64}, size_t{4096}, size_t{kMaxDim}}) {
    Matrix rows(2, in);
    std::fill_n(rows.data(), 2 * in, 3.0f);
    rows.row(0)[in - 1] = 0;
    rows.row(1)[in - 9] = -1;
    Layers layers;
    layers.layers.push_back(
        {{static_cast<uint32_t>(in), 3, Activation::kNone, false}, {}, {0, 0, 0}});
    std::vector<float>& weight = layers.layers[0].weight;
    for (size_t i = 0; i < in; ++i) weight.push_back(0.7f);
    for (size_t i = 0; i < in; ++i) weight.push_back(-0.7f);
    for (size_t i = 0; i < in; ++i) weight.push_back(i % 16 < 8 ? 1.0f : -1.0f);
    ExpectTheDefinition(MakeNetwork(layers).value(), rows.view());
    // Single weights of the largest step.
    for (size_t i = 0; i < 2 * in; ++i) weight[i] = i % 16 < 8 ? (i < in ? 1.0f : -1.0f) : 0.0f;
    ExpectTheDefinition(MakeNetwork(layers).value(), rows.view());
  }
}

TEST(Int8Engine, TakesWeightsOfAnySize) {
  Layers layers = RandomLayers({{33, 20, Activation::kNone, false}}, 1);
  std::vector<float>& weight = layers.layers[0].weight;
  for (size_t i = 0; i < 33; ++i) {
    weight[i] = 0;
    weight[33 + i] = std::numeric_limits<float>::denorm_min() * static_cast<float>(i % 3);
    weight[66 + i] = std::numeric_limits<float>::max() * (i % 2 == 0 ? 1 : -1);
    weight[99 + i] = i == 7 ? 1e30f : 1e-30f;
  }
  ExpectTheDefinition(MakeNetwork(layers).value(), RandomMatrix(9, 33, 2).view());
}

TEST(Int8Engine, RowsAreTheSameBytesWhateverStandsBesideThem) {
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) {
    const std::unique_ptr<Engine> engine = NewInt8Engine(*kernel);
    EXPECT_TRUE(RowsStandAlone(*engine, RandomNetwork(MlpShapes(64)))) << kernel->name;
    EXPECT_TRUE(RowsStandAlone(*engine, RandomNetwork(MlpShapes(37, true)))) << kernel->name;
    EXPECT_TRUE(RowsStandAlone(*engine, RandomNetwork({{71, 77, Activation::kNone, false}})))
        << kernel->name;
  }
}

// The bound of int8_engine.h for every value, and what is left of it when errors are random.
TEST(Int8Engine, StaysWithinHalfAStepOfEachProduct) {
  const NetworkPtr network = RandomNetwork({{512, 300, Activation::kNone, false}});
  const Layer& layer = network->layers.layers[0];
  const Matrix in = RandomMatrix(50, 512, 3);
  const Matrix exact = Applied(*NewReferenceEngine(), network, in.view());
  const Matrix out = Applied(*NewInt8Engine(), network, in.view());
  double errors = 0;
  double squares = 0;
  for (size_t o = 0; o < 300; ++o) {
    const Channel channel(layer, o);
    double weights = 0;
    for (const int64_t step : channel.steps)
      weights += std::abs(static_cast<double>(step)) * channel.scale;
    for (size_t row = 0; row < 50; ++row) {
      const std::span<const float> x = in.row(row);
      const double range =
          *std::max_element(x.begin(), x.end()) - *std::min_element(x.begin(), x.end());
      double inputs = 0;
      for (const float value : x) inputs += std::abs(value);
      const double error = out.row(row)[o] - exact.row(row)[o];
      EXPECT_LE(std::abs(error), 1.01 * (range / 255 / 2 * weights + channel.scale / 2 * inputs));
      errors += error * error;
      squares += exact.row(row)[o] * exact.row(row)[o];
    }
  }
  EXPECT_LE(std::sqrt(errors / squares), 0.01);
}

TEST(Int8Engine, StaysNearTheReferenceThroughThePapersNetworks) {
  for (const bool residual : {false, true}) {
    const NetworkPtr network = RandomNetwork(MlpShapes(256, residual));
    const Matrix in = RandomMatrix(50, 256, 3);
    const Matrix exact = Applied(*NewReferenceEngine(), network, in.view());
    const Matrix out = Applied(*NewInt8Engine(), network, in.view());
    double errors = 0;
    double squares = 0;
    for (size_t i = 0; i < 50 * 256; ++i) {
      errors += std::pow(out.data()[i] - exact.data()[i], 2);
      squares += std::pow(exact.data()[i], 2);
    }
    EXPECT_LE(std::sqrt(errors / squares), 0.02) << residual;
  }
}

TEST(Int8Engine, LeavesTheIdentityExact) {
  Layers layers = RandomLayers({{40, 40, Activation::kNone, false}}, 1);
  for (size_t i = 0; i < 40 * 40; ++i) layers.layers[0].weight[i] = i % 41 == 0 ? 1.0f : 0.0f;
  std::fill_n(layers.layers[0].bias.begin(), 40, 0.0f);
  const Matrix in = RandomMatrix(20, 40, 2);
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) {
    const Matrix out = Applied(*NewInt8Engine(*kernel), MakeNetwork(layers).value(), in.view());
    EXPECT_TRUE(SameBytes(out.view(), in.view())) << kernel->name;
  }
}

TEST(Int8Engine, GivesDiagonalLayersTheBytesOfTheTileEngine) {
  const NetworkPtr network =
      RandomNetwork({{100, 100, Activation::kRelu, true, LayerKind::kDiagonal}});
  const Matrix in = MixedRows(200, 100);
  EXPECT_TRUE(SameBytes(Applied(*NewInt8Engine(), network, in.view()).view(),
                        Applied(*NewTileEngine(), network, in.view()).view()));
}

TEST(Int8Engine, SurvivesWhatIsNotFiniteAndLeavesOtherRowsAlone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const NetworkPtr network = RandomNetwork(MlpShapes(40));
  const Matrix clean = RandomMatrix(12, 40, 1);
  Matrix in = Copy(clean.view());
  in.row(1)[7] = NAN;
  in.row(3)[39] = kInfinity;
  in.row(5)[0] = -kInfinity;
  std::fill_n(in.row(7).data(), 40, NAN);
  std::fill_n(in.row(9).data(), 40, kInfinity);
  in.row(11)[0] = std::numeric_limits<float>::max();
  in.row(11)[1] = std::numeric_limits<float>::lowest();
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) {
    const std::unique_ptr<Engine> engine = NewInt8Engine(*kernel);
    const Matrix expected = Applied(*engine, network, clean.view());
    const Matrix out = Applied(*engine, network, in.view());
    for (size_t row = 0; row < 12; row += 2)
      EXPECT_TRUE(SameBytes(out.view().Slice(row, 1), expected.view().Slice(row, 1))) << row;
  }
}

TEST(Int8Engine, TakesNoRows) {
  const NetworkPtr network = RandomNetwork(MlpShapes(8));
  EXPECT_TRUE(NewInt8Engine()->Apply(network, {nullptr, 0, 8}, {nullptr, 0, 8}).ok());
}

TEST(Int8Engine, WritesNothingPastItsRows) {
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) {
    const NetworkPtr network = RandomNetwork(MlpShapes(5));
    const Matrix in = RandomMatrix(9, 5, 1);
    Matrix out = RandomMatrix(12, 5, 2);
    const Matrix before = Copy(out.view());
    ASSERT_TRUE(NewInt8Engine(*kernel)->Apply(network, in.view(), out.view().Slice(1, 9)).ok());
    EXPECT_TRUE(SameBytes(out.view().Slice(0, 1), before.view().Slice(0, 1)));
    EXPECT_TRUE(SameBytes(out.view().Slice(10, 2), before.view().Slice(10, 2)));
  }
}

TEST(Int8Engine, RefusesMatricesOfOtherSizesAsEveryEngineDoes) {
  const NetworkPtr network = RandomNetwork({{8, 4, Activation::kNone, false}});
  const std::unique_ptr<Engine> engine = NewInt8Engine();
  const Matrix in = RandomMatrix(3, 8, 1);
  Matrix out(3, 4);
  const Status refused = engine->Apply(network, {in.data(), 3, 7}, out.view());
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.ToString(),
            NewTileEngine()->Apply(network, {in.data(), 3, 7}, out.view()).ToString());
  EXPECT_EQ(engine->Apply(network, in.view(), {out.data(), 3, 3}).code(), Code::kInvalidArgument);
  EXPECT_EQ(engine->Apply(network, in.view(), {out.data(), 2, 4}).code(), Code::kInvalidArgument);
}

TEST(Int8Engine, OneEngineServesNetworksOfManySizes) {
  const std::unique_ptr<Engine> engine = NewInt8Engine();
  for (const uint32_t dim : {16u, 100u, 16u, 300u, 40u}) {
    for (unsigned seed = 0; seed < 3; ++seed) {
      const NetworkPtr network = RandomNetwork(MlpShapes(dim), seed);
      const Matrix in = RandomMatrix(20, dim, seed);
      EXPECT_TRUE(SameBytes(Applied(*engine, network, in.view()).view(),
                            PlainRows(network->layers, in.view()).view()))
          << dim << " " << seed;
    }
  }
}

}  // namespace
}  // namespace augstore
