#include "tests/engine/kernels/engine_contract.h"

#include <atomic>
#include <thread>

namespace augstore {
namespace {

// Plain loops, written apart from the engines.
std::vector<double> PlainRow(const Layers& layers, std::span<const float> row) {
  std::vector<double> value(row.begin(), row.end());
  for (const Layer& layer : layers.layers) {
    std::vector<double> next;
    for (uint32_t o = 0; o < layer.shape.out; ++o) {
      double sum = layer.bias[o];
      const bool diagonal = layer.shape.kind == LayerKind::kDiagonal;
      if (diagonal) sum += layer.weight[o] * value[o];
      for (uint32_t i = 0; !diagonal && i < layer.shape.in; ++i)
        sum += layer.weight[o * layer.shape.in + i] * value[i];
      if (layer.shape.residual) sum += row[o];
      next.push_back(layer.shape.activation == Activation::kRelu ? std::max(sum, 0.0) : sum);
    }
    value = next;
  }
  return value;
}

// Rows in another order, twice, with other neighbours between.
bool SameAmongStrangers(Engine& engine, const NetworkPtr& network, ConstMatrixView in,
                        ConstMatrixView expected) {
  Matrix mixed = RandomMatrix(3 * in.rows, in.cols, 99);
  for (size_t i = 0; i < in.rows; ++i) {
    std::copy(in.row(i).begin(), in.row(i).end(), mixed.row(3 * (in.rows - 1 - i) + 1).begin());
  }
  const Matrix out = Applied(engine, network, mixed.view());
  for (size_t i = 0; i < in.rows; ++i) {
    if (!SameBytes(out.view().Slice(3 * (in.rows - 1 - i) + 1, 1), expected.Slice(i, 1)))
      return false;
  }
  return true;
}

}  // namespace

testing::AssertionResult RowsStandAlone(Engine& engine, const NetworkPtr& network) {
  constexpr size_t kRows = 431;
  const Matrix in = RandomMatrix(kRows, network->layers.dim_in(), 5);
  const Matrix all = Applied(engine, network, in.view());
  for (const size_t size : {1, 2, 3, 7, 16, 23, 24, 25, 64, 100, 191, 192, 193, 256}) {
    for (size_t begin = 0; begin + size <= kRows; begin += std::max<size_t>(size, 41)) {
      const Matrix part = Applied(engine, network, in.view().Slice(begin, size));
      if (!SameBytes(part.view(), all.view().Slice(begin, size))) {
        return testing::AssertionFailure()
               << size << " rows from " << begin << " differ from the same among " << kRows;
      }
    }
  }
  if (!SameAmongStrangers(engine, network, in.view(), all.view())) {
    return testing::AssertionFailure() << "rows differ among other neighbours";
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult AgreesWithPlainLoops(Engine& engine, const NetworkPtr& network,
                                              size_t rows) {
  const Matrix in = RandomMatrix(rows, network->layers.dim_in(), 6);
  const Matrix out = Applied(engine, network, in.view());
  for (size_t i = 0; i < rows; ++i) {
    const std::vector<double> expected = PlainRow(network->layers, in.row(i));
    double largest = 0;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    for (size_t j = 0; j < expected.size(); ++j) {
      if (std::abs(out.row(i)[j] - expected[j]) > 1e-4 * largest) {
        return testing::AssertionFailure() << "row " << i << " column " << j << ": "
                                           << out.row(i)[j] << " instead of " << expected[j];
      }
    }
  }
  return testing::AssertionSuccess();
}

// Diagonal layers alone, before and behind a dense one.
std::vector<LayerShape> DiagonalShapes(uint32_t dim) {
  return {{dim, dim, Activation::kNone, false, LayerKind::kDiagonal},
          {dim, dim, Activation::kRelu, false},
          {dim, dim, Activation::kRelu, true, LayerKind::kDiagonal}};
}

TEST_P(EngineContract, ComputesWhatOneComputesByHand) {
  // Two layers with a residual: relu([1 2; -1 0] x + [1, 0]), then relu([1 1; 0 -1] h + [0, 3] +
  // x).
  Layers layers;
  layers.layers.push_back({{2, 2, Activation::kRelu, false}, {1, 2, -1, 0}, {1, 0}});
  layers.layers.push_back({{2, 2, Activation::kRelu, true}, {1, 1, 0, -1}, {0, 3}});
  Matrix in(2, 2);
  std::copy_n(std::vector<float>{1, 2, -4, 1}.data(), 4, in.data());
  const Matrix out = Applied(*engine_, MakeNetwork(layers).value(), in.view());
  EXPECT_EQ(std::vector<float>(out.data(), out.data() + 4), (std::vector<float>{7, 5, 0, 0}));
}

TEST_P(EngineContract, AgreesWithPlainLoopsForEveryKindOfLayer) {
  for (const uint32_t dim : {1u, 3u, 7u, 16u, 33u, 64u, 100u, 480u}) {
    EXPECT_TRUE(
        AgreesWithPlainLoops(*engine_, RandomNetwork({{dim, dim, Activation::kNone, false}}), 30))
        << dim;
    EXPECT_TRUE(
        AgreesWithPlainLoops(*engine_, RandomNetwork({{dim, dim, Activation::kRelu, true}}), 30))
        << dim;
    EXPECT_TRUE(AgreesWithPlainLoops(*engine_, RandomNetwork(MlpShapes(dim)), 30)) << dim;
    EXPECT_TRUE(AgreesWithPlainLoops(*engine_, RandomNetwork(MlpShapes(dim, true)), 30)) << dim;
  }
  EXPECT_TRUE(AgreesWithPlainLoops(*engine_, RandomNetwork(DiagonalShapes(33)), 300));
  const NetworkPtr head = RandomNetwork({{48, 96, Activation::kRelu, false},
                                         {96, 48, Activation::kRelu, true},
                                         {48, 17, Activation::kRelu, false},
                                         {17, 10, Activation::kNone, false}});
  EXPECT_TRUE(AgreesWithPlainLoops(*engine_, head, 300));
}

TEST_P(EngineContract, RowsAreTheSameBytesWhateverStandsBesideThem) {
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork(MlpShapes(64))));
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork(MlpShapes(37, true))));
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork({{100, 77, Activation::kNone, false}})));
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork({{5, 3, Activation::kNone, false}})));
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork({{1, 1, Activation::kNone, true}})));
  EXPECT_TRUE(RowsStandAlone(*engine_, RandomNetwork(DiagonalShapes(37))));
}

TEST_P(EngineContract, TakesNoRows) {
  const NetworkPtr network = RandomNetwork(MlpShapes(8));
  EXPECT_TRUE(engine_->Apply(network, {nullptr, 0, 8}, {nullptr, 0, 8}).ok());
}

TEST_P(EngineContract, WritesNothingPastItsRows) {
  const NetworkPtr network = RandomNetwork(MlpShapes(5));
  const Matrix in = RandomMatrix(9, 5, 1);
  Matrix out = RandomMatrix(12, 5, 2);
  const Matrix before = Copy(out.view());
  ASSERT_TRUE(engine_->Apply(network, in.view(), out.view().Slice(1, 9)).ok());
  EXPECT_TRUE(SameBytes(out.view().Slice(0, 1), before.view().Slice(0, 1)));
  EXPECT_TRUE(SameBytes(out.view().Slice(10, 2), before.view().Slice(10, 2)));
  EXPECT_TRUE(SameBytes(in.view(), RandomMatrix(9, 5, 1).view()));
}

TEST_P(EngineContract, RefusesMatricesOfOtherSizes) {
  const NetworkPtr network = RandomNetwork({{8, 4, Activation::kNone, false}});
  const Matrix in = RandomMatrix(3, 8, 1);
  Matrix out(3, 4);
  EXPECT_EQ(engine_->Apply(network, {in.data(), 3, 7}, out.view()).code(), Code::kInvalidArgument);
  EXPECT_EQ(engine_->Apply(network, in.view(), {out.data(), 3, 3}).code(), Code::kInvalidArgument);
  EXPECT_EQ(engine_->Apply(network, in.view(), {out.data(), 2, 4}).code(), Code::kInvalidArgument);
  const Status refused = engine_->Apply(network, {in.data(), 3, 7}, out.view());
  EXPECT_NE(refused.message().find("from 8 to 4 columns was given 7"), std::string::npos)
      << refused.ToString();
  EXPECT_TRUE(engine_->Apply(network, in.view(), out.view()).ok());
}

TEST_P(EngineContract, SeveralEnginesInSeveralThreadsGiveTheSameBytes) {
  const Matrix in = RandomMatrix(100, 48, 3);
  // Many networks, each met by all threads at once: whoever is first prepares it for the others.
  std::vector<NetworkPtr> networks;
  for (unsigned seed = 0; seed < 8; ++seed)
    networks.push_back(RandomNetwork(MlpShapes(48, seed % 2 == 1), seed));
  std::vector<std::vector<Matrix>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      const std::unique_ptr<Engine> mine = GetParam()();
      for (const NetworkPtr& network : networks)
        result.push_back(Applied(*mine, network, in.view()));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < networks.size(); ++i) {
    const Matrix expected = Applied(*engine_, networks[i], in.view());
    for (const auto& result : results)
      EXPECT_TRUE(SameBytes(result[i].view(), expected.view())) << i;
  }
}

}  // namespace augstore
