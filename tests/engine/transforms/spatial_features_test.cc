#include "engine/transforms/spatial_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "engine/kernels/tile_engine.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"

namespace augstore {
namespace {

Conv MakeConv(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t source,
              unsigned seed) {
  Conv conv{in, out, kernel, stride, Activation::kRelu, source, {}, {}, {}};
  const Matrix weight = RandomMatrix(out, size_t{in} * kernel * kernel, seed);
  const Matrix bias = RandomMatrix(1, out, seed + 1);
  conv.weight.assign(weight.data(), weight.data() + weight.rows() * weight.cols());
  conv.bias.assign(bias.data(), bias.data() + out);
  return conv;
}

// A residual block with a strided shortcut on a map of 6 x 5 x 4, mixed to 6 x 5.
SpatialFront Block() {
  SpatialFront front{{6, 5, 4}, 6, 5, std::vector<float>(900), {}};
  for (size_t i = 0; i < 30; ++i) {
    front.mix[i * 30 + (29 - i)] = 0.75F;
    front.mix[i * 30 + i] = 0.5F;
  }
  front.convs = {MakeConv(4, 7, 3, 2, 0, 1), MakeConv(7, 6, 5, 1, 1, 3), MakeConv(4, 6, 1, 2, 0, 5),
                 MakeConv(6, 9, 1, 1, 3, 7)};
  front.convs[1].activation = Activation::kNone;
  front.convs[2].add = 2;
  return front;
}

// By plain loops in double, as the header of schemas/weights/spatial_front.h says.
std::vector<double> Plain(const SpatialFront& front, std::span<const float> feature_map) {
  std::vector<std::vector<double>> tensors(1);
  const size_t channels = front.feature_map.channels;
  const size_t cells = front.feature_map.cells();
  for (size_t to = 0; to < size_t{front.out_height} * front.out_width; ++to) {
    for (size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (size_t from = 0; from < cells; ++from) {
        sum += double{front.mix[to * cells + from]} * feature_map[from * channels + c];
      }
      tensors[0].push_back(sum);
    }
  }
  for (uint32_t n = 1; n <= front.convs.size(); ++n) {
    const Conv& conv = front.convs[n - 1];
    const FeatureMapShape in = front.ShapeOf(conv.source), out = front.ShapeOf(n);
    std::vector<double> tensor;
    const int half = static_cast<int>(conv.kernel) / 2;
    for (int y = 0; y < static_cast<int>(out.height); ++y) {
      for (int x = 0; x < static_cast<int>(out.width); ++x) {
        for (size_t o = 0; o < out.channels; ++o) {
          double sum = conv.bias[o];
          for (int ky = 0; ky < static_cast<int>(conv.kernel); ++ky) {
            for (int kx = 0; kx < static_cast<int>(conv.kernel); ++kx) {
              const int row = y * static_cast<int>(conv.stride) + ky - half;
              const int col = x * static_cast<int>(conv.stride) + kx - half;
              if (row < 0 || row >= static_cast<int>(in.height) || col < 0 ||
                  col >= static_cast<int>(in.width)) {
                continue;
              }
              for (size_t i = 0; i < in.channels; ++i) {
                const size_t cell = static_cast<size_t>(row) * in.width + static_cast<size_t>(col);
                const size_t at =
                    ((o * in.channels + i) * conv.kernel + static_cast<size_t>(ky)) * conv.kernel +
                    static_cast<size_t>(kx);
                sum += conv.weight[at] * tensors[conv.source][cell * in.channels + i];
              }
            }
          }
          if (conv.add) sum += tensors[*conv.add][tensor.size()];
          tensor.push_back(conv.activation == Activation::kRelu ? std::max(sum, 0.0) : sum);
        }
      }
    }
    tensors.push_back(std::move(tensor));
  }
  if (front.convs.empty()) return tensors[0];
  std::vector<double> means(front.features());
  const std::vector<double>& last = tensors.back();
  for (size_t i = 0; i < last.size(); ++i) {
    means[i % means.size()] += last[i] * static_cast<double>(means.size()) / last.size();
  }
  return means;
}

Matrix Features(const SpatialFront& front, ConstMatrixView feature_maps, Engine& engine) {
  const auto made = SpatialFeatures::Make(front);
  EXPECT_TRUE(made.ok()) << made.status().ToString();
  Matrix out(feature_maps.rows, (*made)->features());
  SpatialScratch scratch;
  const Status status = (*made)->Apply(engine, feature_maps, out.view(), &scratch);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

TEST(SpatialFeatures, AreWhatTheHeaderOfMapFrontSays) {
  SpatialFront pooled = Block();
  pooled.convs.clear();
  pooled.out_height = 1;
  pooled.out_width = 2;
  pooled.mix.resize(60);
  for (const SpatialFront& front : {Block(), pooled}) {
    const Matrix feature_maps = RandomMatrix(11, front.feature_map.values(), 20);
    for (const auto& engine : {NewReferenceEngine(), NewTileEngine()}) {
      const Matrix out = Features(front, feature_maps.view(), *engine);
      for (size_t i = 0; i < feature_maps.rows(); ++i) {
        const std::vector<double> expected = Plain(front, feature_maps.row(i));
        for (size_t c = 0; c < expected.size(); ++c) {
          EXPECT_NEAR(out.row(i)[c], expected[c], 1e-3 * (1 + std::abs(expected[c])));
        }
      }
    }
  }
}

TEST(SpatialFeatures, AreTheSameBitsInAnyCompany) {
  const SpatialFront front = Block();
  const Matrix feature_maps = RandomMatrix(23, front.feature_map.values(), 21);
  const auto engine = NewTileEngine();
  const Matrix all = Features(front, feature_maps.view(), *engine);
  for (const auto& [begin, count] : {std::pair<size_t, size_t>{0, 1}, {5, 9}, {22, 1}, {3, 16}}) {
    const Matrix some = Features(front, feature_maps.view().Slice(begin, count), *engine);
    EXPECT_TRUE(SameBytes(some.view(), all.view().Slice(begin, count))) << begin;
  }
}

TEST(SpatialFeatures, RefuseMatricesOfOtherSizesAndFrontsThatDoNotFit) {
  const auto made = SpatialFeatures::Make(Block()).value();
  Matrix out(2, 9);
  SpatialScratch scratch;
  EXPECT_EQ(made->Apply(*NewReferenceEngine(), RandomMatrix(2, 119, 1).view(), out.view(), &scratch)
                .code(),
            Code::kInvalidArgument);
  SpatialFront bad = Block();
  bad.convs[0].weight.clear();
  EXPECT_EQ(SpatialFeatures::Make(bad).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
