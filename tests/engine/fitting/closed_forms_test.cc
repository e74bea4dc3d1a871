#include "engine/fitting/closed_forms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/fitting/families.h"
#include "engine/math/bootstrap.h"
#include "engine/math/eigen_decompose.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"

namespace augstore {
namespace {

constexpr size_t kDim = 16;

using Map = std::function<void(std::span<const float> z, std::span<float> out)>;

// z around 3 of unequal variances, and z' = map(z) + 1e-3 noise.
TransformPairs MakePairs(const Map& feature_map, size_t train = 900, size_t held_out = 200) {
  TransformPairs pairs;
  Matrix z = RandomMatrix(train + held_out, kDim, 1);
  const Matrix noise = RandomMatrix(train + held_out, kDim, 2);
  Matrix target(z.rows(), kDim);
  for (size_t row = 0; row < z.rows(); ++row) {
    for (size_t i = 0; i < kDim; ++i) {
      z.row(row)[i] = 3 + z.row(row)[i] * (0.5F + static_cast<float>(i) / kDim);
    }
    feature_map(z.row(row), target.row(row));
    for (size_t i = 0; i < kDim; ++i) target.row(row)[i] += 1e-3F * noise.row(row)[i];
  }
  pairs.train_z = Copy(std::as_const(z).view().Slice(0, train));
  pairs.train_target = Copy(std::as_const(target).view().Slice(0, train));
  pairs.held_out_z = Copy(std::as_const(z).view().Slice(train, held_out));
  pairs.held_out_target = Copy(std::as_const(target).view().Slice(train, held_out));
  return pairs;
}

void Shifted(std::span<const float> z, std::span<float> out) {
  for (size_t i = 0; i < kDim; ++i) out[i] = z[i] + static_cast<float>(i) / 8 - 1;
}

void Scaled(std::span<const float> z, std::span<float> out) {
  for (size_t i = 0; i < kDim; ++i) out[i] = z[i] * (0.2F + static_cast<float>(i) / 8) - 1;
}

// About the mean, by a random rotation.
Map Rotated() {
  const Matrix random = RandomMatrix(kDim, kDim, 9);
  const std::vector<double> rotation =
      OrthogonalFactor(std::vector<double>(random.data(), random.data() + kDim * kDim), kDim);
  return [rotation](std::span<const float> z, std::span<float> out) {
    for (size_t i = 0; i < kDim; ++i) {
      double sum = 1;
      for (size_t j = 0; j < kDim; ++j) sum += rotation[i * kDim + j] * (z[j] - 3);
      out[i] = static_cast<float>(sum);
    }
  };
}

// z + a (b'z): rank 1.
void Narrow(std::span<const float> z, std::span<float> out) {
  float along = 0;
  for (size_t i = 0; i < kDim; ++i) along += z[i] * (i % 2 == 0 ? 0.3F : -0.2F);
  for (size_t i = 0; i < kDim; ++i) out[i] = z[i] + along * (i % 3 == 0 ? 1.0F : -0.5F) + 0.25F;
}

Map Linear() {
  const Matrix random = RandomMatrix(kDim, kDim, 5);
  std::vector<float> weight(random.data(), random.data() + kDim * kDim);
  return [weight](std::span<const float> z, std::span<float> out) {
    for (size_t i = 0; i < kDim; ++i) {
      out[i] = z[i];
      for (size_t j = 0; j < kDim; ++j) out[i] += 0.2F * weight[i * kDim + j] * z[j];
    }
  };
}

Result<FittedTransform> FitWith(ClosedForms& forms, const TransformPairs& pairs,
                                std::string_view family) {
  return FindFamily(family)->fit({pairs, {}, forms, {}});
}

Layers Fit(const TransformPairs& pairs, std::string_view family) {
  ClosedForms forms(pairs);
  Result<FittedTransform> fitted = FitWith(forms, pairs, family);
  EXPECT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_TRUE(fitted->layers.Validate().ok()) << family;
  return fitted->layers;
}

// That read no feature map, cheapest first.
std::vector<std::string_view> ClosedFamiliesOfZ() {
  std::vector<std::string_view> names;
  for (const Family& family : TransformFamilies()) {
    if (family.closed_form && !family.reads_feature_maps) names.push_back(family.name);
  }
  return names;
}

std::vector<double> Errors(const TransformPairs& pairs, const Layers& layers) {
  const Matrix mapped =
      Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), pairs.held_out_z.view());
  return SquaredDistances(mapped.view(), pairs.held_out_target.view());
}

double R2(const TransformPairs& pairs, std::string_view family) {
  return R2Of(Errors(pairs, Fit(pairs, family)),
              SquaredDistances(pairs.held_out_z.view(), pairs.held_out_target.view()));
}

TEST(ClosedForms, RecoversAShift) {
  const TransformPairs pairs = MakePairs(Shifted);
  const Layer layer = Fit(pairs, "shift").layers[0];
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_EQ(layer.weight[i], 1);
    EXPECT_NEAR(layer.bias[i], static_cast<float>(i) / 8 - 1, 1e-3);
  }
  EXPECT_GT(R2(pairs, "shift"), 0.9999);
}

TEST(ClosedForms, RecoversADiagonalMap) {
  const TransformPairs pairs = MakePairs(Scaled);
  const Layer layer = Fit(pairs, "diagonal").layers[0];
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_NEAR(layer.weight[i], 0.2F + static_cast<float>(i) / 8, 1e-3);
    EXPECT_NEAR(layer.bias[i], -1, 5e-3);
  }
  EXPECT_LT(R2(pairs, "shift"), 0.9);
}

TEST(ClosedForms, RecoversARotation) {
  const TransformPairs pairs = MakePairs(Rotated());
  EXPECT_GT(R2(pairs, "procrustes"), 0.99999);
  EXPECT_LT(R2(pairs, "diagonal"), 0.99);
  const Layer layer = Fit(pairs, "procrustes").layers[0];
  std::vector<double> weight(layer.weight.begin(), layer.weight.end());
  const std::vector<double> product = Multiply(true, weight, weight, kDim, kDim, kDim);
  for (size_t i = 0; i < kDim * kDim; ++i) {
    EXPECT_NEAR(product[i], i % (kDim + 1) == 0 ? 1 : 0, 1e-5);
  }
}

TEST(ClosedForms, RecoversAMapOfLowRank) {
  const TransformPairs pairs = MakePairs(Narrow);
  ClosedForms forms(pairs);
  const Result<FittedTransform> fitted = forms.LowRank();
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  const std::vector<double> baselines =
      SquaredDistances(pairs.held_out_z.view(), pairs.held_out_target.view());
  EXPECT_GT(R2Of(Errors(pairs, fitted->layers), baselines), 0.9999);
  const std::vector<LayerShape> shapes = fitted->layers.shapes();
  ASSERT_EQ(shapes.size(), 2u);
  EXPECT_LE(shapes[0].out, kDim / 4);
  EXPECT_TRUE(shapes[1].residual);
  EXPECT_EQ(fitted->notes.rfind("rank=", 0), 0u) << fitted->notes;
  EXPECT_LT(fitted->layers.MultiplyAdds(), kDim * kDim);
}

TEST(ClosedForms, GivesTheDearerFamiliesTheBetterFitOfALinearMap) {
  const TransformPairs pairs = MakePairs(Linear());
  double last = -1;
  for (const char* family : {"identity", "shift", "diagonal", "lowrank", "affine"}) {
    const double r2 = R2(pairs, family);
    EXPECT_GT(r2, last) << family;
    last = r2;
  }
  EXPECT_GT(last, 0.999);
  EXPECT_GT(last, R2(pairs, "procrustes"));
}

TEST(ClosedForms, LeavesZAsItIsAsIdentity) {
  const TransformPairs pairs = MakePairs(Linear());
  const Layers layers = Fit(pairs, "identity");
  const Matrix mapped =
      Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), pairs.held_out_z.view());
  EXPECT_TRUE(SameBytes(mapped.view(), pairs.held_out_z.view()));
  EXPECT_EQ(layers.MultiplyAdds(), kDim);
}

TEST(ClosedForms, EndsInReluWhenNoTargetIsNegative) {
  TransformPairs pairs = MakePairs(Shifted);
  for (const std::string_view family : ClosedFamiliesOfZ()) {
    pairs.non_negative = false;
    EXPECT_EQ(Fit(pairs, family).layers.back().shape.activation, Activation::kNone) << family;
    pairs.non_negative = true;
    EXPECT_EQ(Fit(pairs, family).layers.back().shape.activation,
              family == "identity" ? Activation::kNone : Activation::kRelu)
        << family;
  }
}

TEST(ClosedForms, FitsDimensionsThatNeverVary) {
  TransformPairs pairs = MakePairs(Scaled);
  for (Matrix* matrix : {&pairs.train_z, &pairs.held_out_z}) {
    for (size_t row = 0; row < matrix->rows(); ++row) matrix->row(row)[4] = 0;
  }
  for (const std::string_view family : ClosedFamiliesOfZ()) Fit(pairs, family);
  EXPECT_EQ(Fit(pairs, "diagonal").layers[0].weight[4], 1);
}

TEST(ClosedForms, FitsOneDimension) {
  TransformPairs pairs;
  pairs.train_z = RandomMatrix(50, 1, 1);
  pairs.train_target = RandomMatrix(50, 1, 1);
  pairs.held_out_z = RandomMatrix(20, 1, 2);
  pairs.held_out_target = RandomMatrix(20, 1, 2);
  for (size_t i = 0; i < 50; ++i) pairs.train_target.data()[i] *= 2;
  for (size_t i = 0; i < 20; ++i) pairs.held_out_target.data()[i] *= 2;
  for (const char* family : {"diagonal", "lowrank", "affine"}) {
    EXPECT_GT(R2(pairs, family), 0.99) << family;
  }
}

TEST(ClosedForms, SaysThatPairsWithoutSpreadHaveNoAffineMap) {
  TransformPairs pairs = MakePairs(Shifted);
  std::fill_n(pairs.train_z.data(), pairs.train_z.rows() * kDim, 1.0F);
  ClosedForms forms(pairs);
  for (const char* family : {"lowrank", "affine"}) {
    EXPECT_EQ(FitWith(forms, pairs, family).status().code(), Code::kInvalidArgument) << family;
  }
  EXPECT_TRUE(FitWith(forms, pairs, "diagonal").ok());
}

TEST(ClosedForms, GoesFromTheCheapestFamilyToTheDearest) {
  const TransformPairs pairs = MakePairs(Linear());
  uint64_t last = 0;
  for (const std::string_view family : ClosedFamiliesOfZ()) {
    const uint64_t cost = Fit(pairs, family).MultiplyAdds();
    EXPECT_GE(cost, last) << family;
    last = cost;
  }
}

}  // namespace
}  // namespace augstore
