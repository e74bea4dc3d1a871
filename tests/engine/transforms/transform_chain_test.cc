#include "engine/transforms/transform_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "engine/kernels/int8_engine.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/unit_length.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 24;

TransformWeights Plain(std::vector<LayerShape> shapes, unsigned seed, size_t error_bank = 0) {
  TransformWeights weights;
  weights.layers = RandomLayers(shapes, seed);
  weights.error_bank = RandomMatrix(error_bank, kDim, seed + 100);
  return weights;
}

TransformWeights Conditional(unsigned seed) {
  TransformWeights weights = Plain({{kDim, kDim, Activation::kRelu, true}}, seed, 5);
  weights.ops = "hflip,rotate(-15..15)";
  weights.slots = 2;
  for (unsigned p = 0; p < 4; ++p) {
    weights.basis.push_back(
        RandomLayers({{kDim, kDim, Activation::kNone, false}}, seed + p + 1).layers[0]);
  }
  return weights;
}

TransformStep Step(TransformWeights weights, const std::string& ops = "", bool with_noise = false) {
  std::optional<OpPattern> pattern;
  if (!ops.empty()) pattern = OpPattern::Parse(ops).value();
  return MakeStep("t@1", MakeTransformModel(std::move(weights)).value(), pattern, with_noise)
      .value();
}

// activation(x + sum_p features[p] * (A_(first + p) x + a)), by plain loops.
std::vector<double> PlainOp(const TransformWeights& weights, size_t first,
                            const std::vector<double>& features, const std::vector<double>& x) {
  std::vector<double> out = x;
  for (size_t p = 0; p < features.size(); ++p) {
    const Layer& feature_map = weights.basis[first + p];
    for (size_t o = 0; o < x.size(); ++o) {
      double sum = feature_map.bias[o];
      for (size_t i = 0; i < x.size(); ++i) sum += feature_map.weight[o * x.size() + i] * x[i];
      out[o] += features[p] * sum;
    }
  }
  for (double& value : out) value = std::max(value, 0.0);
  return out;
}

std::vector<SampleId> Ids(size_t count, SampleId first = 0) {
  std::vector<SampleId> ids(count);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

class ApplyChainTest : public testing::Test {
 protected:
  Matrix Chained(const std::vector<TransformStep>& chain, ConstMatrixView in,
                 std::span<const SampleId> ids, uint64_t epoch = 3) {
    Matrix out(in.rows, in.cols);
    const Status status = ApplyChain(*engine_, chain, {7, epoch, ids}, {in}, out.view(), &scratch_);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return out;
  }

  std::unique_ptr<Engine> engine_ = NewTileEngine();
  ChainScratch scratch_;
};

TEST_F(ApplyChainTest, CopiesForAnEmptyChain) {
  const Matrix in = RandomMatrix(5, kDim, 1);
  EXPECT_TRUE(SameBytes(Chained({}, in.view(), Ids(5)).view(), in.view()));
  Matrix out(5, 6);
  EXPECT_EQ(ApplyChain(*engine_, {}, {}, {in.view()}, out.view(), &scratch_).code(),
            Code::kInvalidArgument);
}

TEST_F(ApplyChainTest, AppliesTransformsFromLeftToRight) {
  const Matrix in = RandomMatrix(11, kDim, 1);
  const std::vector<TransformStep> chain = {
      Step(Plain(MlpShapes(kDim), 1)), Step(Plain(MlpShapes(kDim, true), 2)),
      Step(Plain({{kDim, kDim, Activation::kRelu, false}}, 3))};
  Matrix expected = Copy(in.view());
  for (size_t length = 1; length <= chain.size(); ++length) {
    expected = Applied(*engine_, chain[length - 1].model->network, expected.view());
    const std::vector<TransformStep> part(chain.begin(),
                                          chain.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_TRUE(SameBytes(Chained(part, in.view(), Ids(11)).view(), expected.view())) << length;
  }
}

TEST_F(ApplyChainTest, ComputesAConditionalTransformAsItsHeaderSays) {
  const TransformWeights weights = Conditional(4);
  const Matrix in = RandomMatrix(9, kDim, 2);
  const auto expect = [&](const std::string& ops, auto&& compute) {
    const Matrix out = Chained({Step(Conditional(4), ops)}, in.view(), Ids(9));
    for (size_t row = 0; row < in.rows(); ++row) {
      const std::vector<double> expected =
          compute(row, std::vector<double>(in.row(row).begin(), in.row(row).end()));
      for (size_t c = 0; c < kDim; ++c) EXPECT_NEAR(out.row(row)[c], expected[c], 1e-3) << ops;
    }
  };
  expect("hflip", [&](size_t, auto x) { return PlainOp(weights, 0, {1}, x); });
  expect("rotate(6)", [&](size_t, auto x) { return PlainOp(weights, 1, {1, 0, 0.4}, x); });
  const OpPattern range = OpPattern::Parse("rotate(-15..15)").value();
  expect("rotate(-15..15)", [&](size_t row, auto x) {
    std::vector<double> angle(1);
    range.Draw({7, 3, row}, 0, angle);
    const double m = angle[0] / 15;
    return PlainOp(weights, 1, {1, std::min(m, 0.0), std::max(m, 0.0)}, x);
  });
  expect("rotate(6)>hflip", [&](size_t, auto x) {
    x = PlainOp(weights, 0, {1}, PlainOp(weights, 1, {1, 0, 0.4}, x));
    const Layer& after = weights.layers.layers[0];
    std::vector<double> out(kDim);
    for (size_t o = 0; o < kDim; ++o) {
      out[o] = after.bias[o] + x[o];
      for (size_t i = 0; i < kDim; ++i) out[o] += after.weight[o * kDim + i] * x[i];
      out[o] = std::max(out[o], 0.0);
    }
    return out;
  });
}

TEST_F(ApplyChainTest, DrawsTheSameForASampleInAnyCompany) {
  const std::vector<TransformStep> chain = {Step(Conditional(4), "hflip>rotate(-15..15)", true),
                                            Step(Conditional(5), "rotate(-5..5)"),
                                            Step(Plain(MlpShapes(kDim), 6, 9), "", true)};
  constexpr size_t kRows = 431;
  const Matrix in = RandomMatrix(kRows, kDim, 3);
  const std::vector<SampleId> ids = Ids(kRows, 1000);
  const Matrix all = Chained(chain, in.view(), ids);
  for (const size_t size : {1, 5, 192, 200}) {
    for (size_t begin = 0; begin + size <= kRows; begin += std::max<size_t>(size, 61)) {
      const Matrix part =
          Chained(chain, in.view().Slice(begin, size), std::span(ids).subspan(begin, size));
      ASSERT_TRUE(SameBytes(part.view(), all.view().Slice(begin, size))) << size << ' ' << begin;
    }
  }
  EXPECT_FALSE(SameBytes(Chained(chain, in.view(), ids, 4).view(), all.view()));
}

TEST_F(ApplyChainTest, AddsOneErrorOfTheBankAndClamps) {
  const TransformWeights weights = Plain({{kDim, kDim, Activation::kRelu, false}}, 3, 7);
  const Matrix error_bank = Copy(weights.error_bank.view());
  const Matrix in = RandomMatrix(300, kDim, 4);
  const Matrix mean =
      Chained({Step(Plain({{kDim, kDim, Activation::kRelu, false}}, 3, 7))}, in.view(), Ids(300));
  const Matrix with_noise = Chained(
      {Step(Plain({{kDim, kDim, Activation::kRelu, false}}, 3, 7), "", true)}, in.view(), Ids(300));
  std::set<size_t> used;
  for (size_t i = 0; i < 300; ++i) {
    for (size_t r = 0; r < error_bank.rows(); ++r) {
      bool same = true;
      for (size_t c = 0; c < kDim && same; ++c) {
        same = with_noise.row(i)[c] == std::max(mean.row(i)[c] + error_bank.row(r)[c], 0.0f);
      }
      if (same) used.insert(r);
    }
  }
  EXPECT_EQ(used.size(), 7u);
}

// Of any dimension, with values of both signs, on every kernel.
TEST(ApplyChain, GivesOutputsOfANormalisedTransformLengthOne) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const TileKernel* kernel : SupportedTiles()) engines.push_back(NewTileEngine(*kernel));
  for (const Int8Kernel* kernel : SupportedInt8Kernels()) engines.push_back(NewInt8Engine(*kernel));
  for (const uint32_t dim : {7u, 100u, 480u}) {
    const Matrix in = RandomMatrix(37, dim, 1);
    for (const bool with_noise : {false, true}) {
      TransformWeights weights;
      weights.layers = RandomLayers(MlpShapes(dim), 2);
      weights.error_bank = RandomMatrix(5, dim, 3);
      weights.normalised = true;
      const std::vector<TransformStep> chain(2, Step(std::move(weights), "", with_noise));
      Matrix first;
      for (const std::unique_ptr<Engine>& engine : engines) {
        Matrix out(37, dim);
        ChainScratch scratch;
        const auto ids = Ids(37);
        ASSERT_TRUE(
            ApplyChain(*engine, chain, {7, 3, ids}, {in.view()}, out.view(), &scratch).ok());
        EXPECT_TRUE(HaveUnitLength(out.view())) << engine->name() << ' ' << dim;
        if (first.rows() == 0) first = Copy(out.view());
        for (size_t i = 0; i < 37; ++i) {
          double cosine = 0;
          for (size_t c = 0; c < dim; ++c) cosine += double{out.row(i)[c]} * first.row(i)[c];
          EXPECT_GT(cosine, 0.98) << engine->name() << ' ' << dim;
        }
      }
    }
  }
}

TEST_F(ApplyChainTest, RefusesMatricesOfOtherSizes) {
  const std::vector<TransformStep> chain = {Step(Conditional(1), "hflip")};
  const Matrix in = RandomMatrix(2, kDim + 1, 1);
  Matrix out(2, kDim + 1);
  const std::vector<SampleId> ids = Ids(2);
  EXPECT_EQ(ApplyChain(*engine_, chain, {0, 0, ids}, {in.view()}, out.view(), &scratch_).code(),
            Code::kInvalidArgument);
}

TEST(MakeStep, AsksForOpsWhereTheyAreNeededAndNowhereElse) {
  const TransformModelPtr plain = MakeTransformModel(Plain(MlpShapes(kDim), 1)).value();
  const TransformModelPtr geo = MakeTransformModel(Conditional(1)).value();
  const OpPattern hflip = OpPattern::Parse("hflip").value();
  const Status bare = MakeStep("geo@1", geo, std::nullopt, false).status();
  EXPECT_EQ(bare.code(), Code::kInvalidArgument);
  EXPECT_NE(bare.message().find("geo@1[hflip]"), std::string::npos) << bare.message();
  EXPECT_EQ(MakeStep("v@1", plain, hflip, false).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(MakeStep("geo@1", geo, OpPattern::Parse("vflip").value(), false).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(MakeStep("v@1", plain, std::nullopt, true).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(MakeStep("geo@1", geo, hflip, true).ok());
}

// Layers that read [z, features of a map of 3 x 2 x 4].
TransformWeights Spatial(unsigned seed) {
  TransformWeights weights;
  weights.front = SpatialFront{{3, 2, 4}, 1, 2, std::vector<float>(12, 0.5F), {}};
  weights.layers = RandomLayers({{kDim + 8, kDim, Activation::kRelu, false}}, seed);
  weights.error_bank = RandomMatrix(3, kDim, seed + 1);
  return weights;
}

TEST_F(ApplyChainTest, JoinsTheFeaturesOfTheFeatureMapToTheEmbedding) {
  constexpr size_t kRows = 150;  // more than one block
  const Matrix z = RandomMatrix(kRows, kDim, 1), feature_maps = RandomMatrix(kRows, 24, 2);
  const std::vector<TransformStep> chain = {Step(Spatial(3))};
  ASSERT_TRUE(ReadsFeatureMap(chain));
  Matrix features(kRows, 8), joined(kRows, kDim + 8), out(kRows, kDim);
  SpatialScratch scratch;
  ASSERT_TRUE(
      chain[0].model->front->Apply(*engine_, feature_maps.view(), features.view(), &scratch).ok());
  for (size_t i = 0; i < kRows; ++i) {
    std::ranges::copy(z.row(i), joined.row(i).begin());
    std::ranges::copy(features.row(i), joined.row(i).subspan(kDim).begin());
  }
  const auto ids = Ids(kRows);
  ASSERT_TRUE(ApplyChain(*engine_, chain, {7, 0, ids}, {z.view(), feature_maps.view()}, out.view(),
                         &scratch_)
                  .ok());
  const Matrix expected = Applied(*engine_, chain[0].model->network, joined.view());
  EXPECT_TRUE(SameBytes(std::as_const(out).view(), expected.view()));

  Matrix some(7, kDim);
  const ChainInput part{z.view().Slice(100, 7), feature_maps.view().Slice(100, 7)};
  ASSERT_TRUE(ApplyChain(*engine_, chain, {7, 0, std::span(ids).subspan(100, 7)}, part, some.view(),
                         &scratch_)
                  .ok());
  EXPECT_TRUE(SameBytes(std::as_const(some).view(), expected.view().Slice(100, 7)));
}

TEST_F(ApplyChainTest, RefusesASpatialTransformWithoutMapsOrAfterAnother) {
  const Matrix z = RandomMatrix(4, kDim, 1), feature_maps = RandomMatrix(4, 24, 2);
  const auto ids = Ids(4);
  Matrix out(4, kDim);
  const std::vector<TransformStep> alone = {Step(Spatial(3))};
  EXPECT_EQ(ApplyChain(*engine_, alone, {0, 0, ids}, {z.view()}, out.view(), &scratch_).code(),
            Code::kInvalidArgument);
  const std::vector<TransformStep> behind = {Step(Plain(MlpShapes(kDim), 1)), Step(Spatial(3))};
  EXPECT_EQ(ApplyChain(*engine_, behind, {0, 0, ids}, {z.view(), feature_maps.view()}, out.view(),
                       &scratch_)
                .code(),
            Code::kInvalidArgument);
  EXPECT_FALSE(ReadsFeatureMap(behind));
}

}  // namespace
}  // namespace augstore
