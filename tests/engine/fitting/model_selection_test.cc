#include "engine/fitting/model_selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/kernels/reference_engine.h"
#include "engine/math/bootstrap.h"
#include "engine/math/eigen_decompose.h"
#include "tests/engine/kernels/networks.h"

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

Layers Fit(const TransformPairs& pairs, std::string_view family) {
  ClosedForms forms(pairs);
  Result<FittedTransform> fitted = forms.Fit(family);
  EXPECT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_TRUE(fitted->layers.Validate().ok()) << family;
  return fitted->layers;
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

TEST(Candidates, RecoversAShift) {
  const TransformPairs pairs = MakePairs(Shifted);
  const Layer layer = Fit(pairs, "shift").layers[0];
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_EQ(layer.weight[i], 1);
    EXPECT_NEAR(layer.bias[i], static_cast<float>(i) / 8 - 1, 1e-3);
  }
  EXPECT_GT(R2(pairs, "shift"), 0.9999);
}

TEST(Candidates, RecoversADiagonalMap) {
  const TransformPairs pairs = MakePairs(Scaled);
  const Layer layer = Fit(pairs, "diagonal").layers[0];
  for (size_t i = 0; i < kDim; ++i) {
    EXPECT_NEAR(layer.weight[i], 0.2F + static_cast<float>(i) / 8, 1e-3);
    EXPECT_NEAR(layer.bias[i], -1, 5e-3);
  }
  EXPECT_LT(R2(pairs, "shift"), 0.9);
}

TEST(Candidates, RecoversARotation) {
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

TEST(Candidates, RecoversAMapOfLowRank) {
  const TransformPairs pairs = MakePairs(Narrow);
  ClosedForms forms(pairs);
  const Result<FittedTransform> fitted = forms.Fit("lowrank");
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

TEST(Candidates, GivesTheDearerFamiliesTheBetterFitOfALinearMap) {
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

TEST(Candidates, LeavesZAsItIsAsIdentity) {
  const TransformPairs pairs = MakePairs(Linear());
  const Layers layers = Fit(pairs, "identity");
  const Matrix mapped =
      Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), pairs.held_out_z.view());
  EXPECT_TRUE(SameBytes(mapped.view(), pairs.held_out_z.view()));
  EXPECT_EQ(layers.MultiplyAdds(), kDim);
}

TEST(Candidates, EndsInReluWhenNoTargetIsNegative) {
  TransformPairs pairs = MakePairs(Shifted);
  for (const std::string_view family : TransformFamilies()) {
    if (!ClosedForms::Has(family) || FamilyReadsFeatureMaps(family)) continue;
    pairs.non_negative = false;
    EXPECT_EQ(Fit(pairs, family).layers.back().shape.activation, Activation::kNone) << family;
    pairs.non_negative = true;
    EXPECT_EQ(Fit(pairs, family).layers.back().shape.activation,
              family == "identity" ? Activation::kNone : Activation::kRelu)
        << family;
  }
}

TEST(Candidates, FitsDimensionsThatNeverVary) {
  TransformPairs pairs = MakePairs(Scaled);
  for (Matrix* matrix : {&pairs.train_z, &pairs.held_out_z}) {
    for (size_t row = 0; row < matrix->rows(); ++row) matrix->row(row)[4] = 0;
  }
  for (const std::string_view family : TransformFamilies()) {
    if (ClosedForms::Has(family) && !FamilyReadsFeatureMaps(family)) Fit(pairs, family);
  }
  EXPECT_EQ(Fit(pairs, "diagonal").layers[0].weight[4], 1);
}

TEST(Candidates, FitsOneDimension) {
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

TEST(Candidates, SaysThatPairsWithoutSpreadHaveNoAffineMap) {
  TransformPairs pairs = MakePairs(Shifted);
  std::fill_n(pairs.train_z.data(), pairs.train_z.rows() * kDim, 1.0F);
  ClosedForms forms(pairs);
  for (const char* family : {"lowrank", "affine"}) {
    EXPECT_EQ(forms.Fit(family).status().code(), Code::kInvalidArgument) << family;
  }
  EXPECT_TRUE(forms.Fit("diagonal").ok());
}

TEST(Candidates, GoesFromTheCheapestFamilyToTheDearest) {
  const TransformPairs pairs = MakePairs(Linear());
  uint64_t last = 0;
  for (const std::string_view family : TransformFamilies()) {
    if (!ClosedForms::Has(family) || FamilyReadsFeatureMaps(family)) continue;
    const uint64_t cost = Fit(pairs, family).MultiplyAdds();
    EXPECT_GE(cost, last) << family;
    last = cost;
  }
  EXPECT_TRUE(ClosedForms::Has("affine"));
  EXPECT_FALSE(ClosedForms::Has("refined"));
  EXPECT_FALSE(ClosedForms::Has("paper_mlp"));
}

// Errors of candidates on 400 pairs with baseline 1: G is 1 - the mean error.
struct Race {
  void Add(std::string_view family, uint64_t cost, double r2, double noise = 0.05) {
    const Matrix random = RandomMatrix(400, 1, static_cast<unsigned>(errors.size() + 1));
    errors.emplace_back(400);
    for (size_t i = 0; i < 400; ++i) {
      errors.back()[i] = 1 - r2 + noise * random.data()[i];
    }
    names.push_back(family);
    costs.push_back(cost);
  }
  std::string_view Winner() const {
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < errors.size(); ++i) {
      candidates.push_back({names[i], costs[i], errors[i]});
    }
    return names[ChooseCandidate(candidates, std::vector<double>(400, 1.0), 1)];
  }
  std::vector<std::vector<double>> errors;
  std::vector<std::string_view> names;
  std::vector<uint64_t> costs;
};

TEST(CandidateChoice, TakesTheBestWhenItIsSurelyBetter) {
  Race race;
  race.Add("identity", 16, 0);
  race.Add("affine", 256, 0.2);
  race.Add("refined", 1024, 0.3);
  race.Add("paper_mlp", 1024, 0.25);
  EXPECT_EQ(race.Winner(), "refined");
}

TEST(CandidateChoice, TakesTheCheaperWhenThePairsDoNotTellThemApart) {
  Race race;
  race.Add("identity", 16, 0);
  race.Add("lowrank", 128, 0.2);
  race.Add("affine", 256, 0.2999, 0.2);
  race.Add("refined", 1024, 0.3, 0.2);
  EXPECT_EQ(race.Winner(), "affine");
}

TEST(CandidateChoice, DoesNotPayForADifferenceThatIsSureButTiny) {
  Race race;
  race.Add("affine", 256, 0.300, 0);
  race.Add("refined", 1024, 0.304, 0);
  EXPECT_EQ(race.Winner(), "affine");
}

TEST(CandidateChoice, TakesTheBetterOfTwoThatCostTheSame) {
  Race race;
  race.Add("procrustes", 256, 0.29, 0.2);
  race.Add("affine", 256, 0.3, 0.2);
  race.Add("refined", 1024, 0.3, 0.2);
  EXPECT_EQ(race.Winner(), "affine");
}

TEST(CandidateChoice, StaysWithTheIdentityWhenNothingHelps) {
  Race race;
  race.Add("identity", 16, 0, 0);
  race.Add("shift", 16, 0.001, 0.2);
  race.Add("affine", 256, -0.01);
  race.Add("paper_mlp", 1024, -0.2);
  EXPECT_EQ(race.Winner(), "identity");
}

}  // namespace
}  // namespace augstore
