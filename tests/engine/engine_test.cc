#include "engine/engine.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/engine/networks.h"

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

class ApplyChainTest : public testing::Test {
 protected:
  Matrix Chained(std::vector<NetworkPtr> chain, ConstMatrixView in, size_t cols) {
    Matrix out(in.rows, cols);
    const Status status = ApplyChain(*engine_, chain, in, out.view(), &scratch_);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return out;
  }

  std::unique_ptr<Engine> engine_ = NewReferenceEngine();
  Matrix scratch_;
};

TEST_F(ApplyChainTest, CopiesForAnEmptyChain) {
  const Matrix in = RandomMatrix(5, 7, 1);
  EXPECT_TRUE(SameBytes(Chained({}, in.view(), 7).view(), in.view()));
  EXPECT_TRUE(ApplyChain(*engine_, {}, {nullptr, 0, 7}, {nullptr, 0, 7}, &scratch_).ok());
  Matrix out(5, 6);
  EXPECT_EQ(ApplyChain(*engine_, {}, in.view(), out.view(), &scratch_).code(),
            Code::kInvalidArgument);
}

TEST_F(ApplyChainTest, AppliesNetworksFromLeftToRight) {
  const Matrix in = RandomMatrix(11, 6, 1);
  // Widths that grow and shrink, so that scratch halves of one chain have different widths.
  const std::vector<NetworkPtr> chain = {RandomNetwork({{6, 20, Activation::kRelu, false}}, 1),
                                         RandomNetwork({{20, 3, Activation::kNone, false}}, 2),
                                         RandomNetwork({{3, 9, Activation::kRelu, false}}, 3),
                                         RandomNetwork({{9, 4, Activation::kNone, false}}, 4)};
  Matrix expected = Copy(in.view());
  for (size_t length = 1; length <= chain.size(); ++length) {
    expected = Applied(*engine_, chain[length - 1], expected.view());
    const std::vector<NetworkPtr> part(chain.begin(),
                                       chain.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_TRUE(SameBytes(Chained(part, in.view(), expected.cols()).view(), expected.view()))
        << length;
  }
}

TEST_F(ApplyChainTest, KeepsItsScratchSpaceBetweenCalls) {
  const std::vector<NetworkPtr> chain = {RandomNetwork(MlpShapes(8), 1),
                                         RandomNetwork(MlpShapes(8), 2)};
  const Matrix large = RandomMatrix(64, 8, 1);
  Chained(chain, large.view(), 8);
  const float* kept = scratch_.data();
  ASSERT_NE(kept, nullptr);
  Chained(chain, large.view().Slice(0, 10), 8);
  EXPECT_EQ(scratch_.data(), kept);
}

TEST_F(ApplyChainTest, RefusesNetworksThatDoNotFitTogether) {
  const Matrix in = RandomMatrix(2, 6, 1);
  Matrix out(2, 6);
  const std::vector<NetworkPtr> chain = {RandomNetwork({{6, 5, Activation::kNone, false}}),
                                         RandomNetwork({{6, 6, Activation::kNone, false}})};
  EXPECT_EQ(ApplyChain(*engine_, chain, in.view(), out.view(), &scratch_).code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
