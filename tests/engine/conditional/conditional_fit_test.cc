#include "engine/conditional/conditional_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/conditional/conditional_pairs.h"
#include "engine/kernels/tile_engine.h"
#include "engine/math/unit_length.h"
#include "engine/transforms/transform_chain.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr size_t kDim = 10;
constexpr size_t kImages = 400;

OpFamily Family(uint32_t slots = 2) {
  return OpFamily::Parse("hflip,rotate(-10..20),brightness(0.5..2)", slots).value();
}

// A made-up Φ(op(x)) that is a conditional transform of Φ(x): hflip mixes, rotation turns by an
// amount linear on each side, brightness scales.
void ApplyTruth(const OpPattern& ops, std::span<const float> z, std::span<float> out) {
  std::vector<float> x(z.begin(), z.end());
  std::vector<double> parameters(ops.parameters());
  ops.Draw({}, 0, parameters);
  size_t at = 0;
  for (const OpTerm& term : ops.terms()) {
    std::vector<float> next = x;
    for (size_t c = 0; c < kDim; ++c) {
      const float neighbour = x[(c + 1) % kDim];
      if (term.name == "hflip") next[c] += 0.3f * neighbour + 0.1f;
      if (term.name == "rotate") {
        const auto m = static_cast<float>(parameters[at] / 20);
        next[c] += 0.05f * x[c] + (m > 0 ? 0.4f * m * neighbour : 0.7f * -m * x[(c + 3) % kDim]);
      }
      if (term.name == "brightness")
        next[c] += static_cast<float>(parameters[at] - 1) * 0.2f * x[c];
    }
    at += term.parameters.size();
    x = next;
  }
  std::copy(x.begin(), x.end(), out.begin());
}

struct Data {
  Matrix z = RandomMatrix(kImages, kDim, 3);
  ConditionalPairs pairs;
};

Data MakeData(uint32_t slots = 2) {
  Data data;
  for (size_t i = 0; i < kImages * kDim; ++i) data.z.data()[i] = std::abs(data.z.data()[i]);
  data.pairs = PlanViews(Family(slots), kImages, {}).value();
  data.pairs.targets = Matrix(data.pairs.images.size(), kDim);
  for (size_t v = 0; v < data.pairs.images.size(); ++v) {
    ApplyTruth(data.pairs.ops[v], data.z.row(data.pairs.images[v]), data.pairs.targets.row(v));
  }
  return data;
}

TEST(PlanViews, GivesEveryImageItsCornersAndItsDraws) {
  const ConditionalPairs pairs = PlanViews(Family(), 50, {}).value();
  // hflip, two ends of rotate, two of brightness, four single ops, two chains.
  ASSERT_EQ(pairs.images.size(), 50u * 11);
  std::map<uint32_t, std::set<std::string>> texts;
  std::set<std::string> drawn;
  for (size_t v = 0; v < pairs.images.size(); ++v) {
    EXPECT_TRUE(pairs.ops[v].fixed());
    EXPECT_TRUE(Family().Check(pairs.ops[v]).ok());
    texts[pairs.images[v]].insert(pairs.ops[v].ToString());
    drawn.insert(pairs.ops[v].ToString());
  }
  for (const char* corner :
       {"hflip", "rotate(-10)", "rotate(20)", "brightness(0.5)", "brightness(2)"}) {
    for (const auto& [image, own] : texts) EXPECT_TRUE(own.contains(corner)) << image << corner;
  }
  EXPECT_GT(drawn.size(), 150u);
  const ConditionalPairs again = PlanViews(Family(), 50, {}).value();
  for (size_t v = 0; v < pairs.ops.size(); ++v) {
    EXPECT_EQ(again.ops[v].ToString(), pairs.ops[v].ToString());
  }
  EXPECT_EQ(PlanViews(Family(1), 50, {})->images.size(), 50u * 9);
}

TEST(FitConditional, FindsAMapThatIsOne) {
  const Data data = MakeData();
  const auto trained = FitConditional(Family(), data.z.view(), data.pairs, {}, nullptr);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  ASSERT_EQ(trained->card.entries.size(), 5u);
  EXPECT_EQ(trained->card.entries[0].data, "held-out");
  EXPECT_EQ(trained->card.entries[2].data, "held-out rotate(-10..20)");
  EXPECT_EQ(trained->card.entries[4].data, "held-out chains");
  for (const CardEntry& entry : trained->card.entries) {
    EXPECT_GT(entry.r2, 0.99) << entry.data;
    EXPECT_GT(entry.r2_low, 0.98) << entry.data;
  }
  EXPECT_TRUE(trained->weights.Validate().ok());
  EXPECT_GT(trained->weights.error_bank.rows(), 100u);
  EXPECT_EQ(trained->family, "conditional");
}

TEST(FitConditional, GivesOutputsLengthOneWhereTheTargetsHaveIt) {
  Data data = MakeData();
  for (size_t i = 0; i < kImages; ++i) ScaleToUnitLength(data.z.row(i));
  for (size_t v = 0; v < data.pairs.images.size(); ++v) {
    ApplyTruth(data.pairs.ops[v], data.z.row(data.pairs.images[v]), data.pairs.targets.row(v));
    ScaleToUnitLength(data.pairs.targets.row(v));
  }
  auto trained = FitConditional(Family(), data.z.view(), data.pairs, {}, nullptr);
  ASSERT_TRUE(trained.ok()) << trained.status().ToString();
  EXPECT_TRUE(trained->weights.normalised);
  for (const CardEntry& entry : trained->card.entries) {
    // Brightness, which only scales here, changes nothing of a row whose length is 1.
    if (entry.data.find("brightness") != std::string::npos) continue;
    EXPECT_GT(entry.r2, 0.8) << entry.data;
  }
  const TransformModelPtr model = MakeTransformModel(std::move(trained->weights)).value();
  for (const char* text : {"rotate(7.5)", "hflip>rotate(10)"}) {
    const TransformStep step = MakeStep("t", model, OpPattern::Parse(text).value(), true).value();
    Matrix out(kImages, kDim);
    const std::vector<SampleId> ids(kImages);
    ChainScratch scratch;
    ASSERT_TRUE(ApplyChain(*NewTileEngine(), {&step, 1}, {0, 0, ids},
                           {std::as_const(data.z).view()}, out.view(), &scratch)
                    .ok());
    EXPECT_TRUE(HaveUnitLength(out.view())) << text;
  }
}

TEST(FitConditional, AnswersForMagnitudesBetweenThoseThatItSaw) {
  const Data data = MakeData();
  auto trained = FitConditional(Family(), data.z.view(), data.pairs, {}, nullptr);
  ASSERT_TRUE(trained.ok());
  const TransformModelPtr model = MakeTransformModel(std::move(trained->weights)).value();
  for (const char* text : {"rotate(7.5)", "rotate(-3)", "brightness(1.25)", "hflip>rotate(10)"}) {
    const OpPattern ops = OpPattern::Parse(text).value();
    const TransformStep step = MakeStep("t", model, ops, false).value();
    Matrix out(kImages, kDim);
    std::vector<double> parameters(ops.parameters());
    ops.Draw({}, 0, parameters);
    std::vector<double> all;
    for (size_t i = 0; i < kImages; ++i)
      all.insert(all.end(), parameters.begin(), parameters.end());
    ASSERT_TRUE(
        ApplyStepWith(*NewTileEngine(), step, all, std::as_const(data.z).view(), out.view()).ok());
    double error = 0;
    double moved = 0;
    std::vector<float> truth(kDim);
    for (size_t i = 0; i < kImages; ++i) {
      ApplyTruth(ops, data.z.row(i), truth);
      for (size_t c = 0; c < kDim; ++c) {
        error += std::pow(out.row(i)[c] - truth[c], 2);
        moved += std::pow(data.z.row(i)[c] - truth[c], 2);
      }
    }
    EXPECT_LT(error, 0.02 * moved) << text;
  }
}

TEST(FitConditional, GivesTheSameBytesEveryTime) {
  const Data data = MakeData();
  const auto one = FitConditional(Family(), data.z.view(), data.pairs, {}, nullptr);
  const auto two = FitConditional(Family(), data.z.view(), data.pairs, {}, nullptr);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->weights.ToSafetensors(), two->weights.ToSafetensors());
}

TEST(FitConditional, StopsWhenAsked) {
  const Data data = MakeData(1);
  size_t calls = 0;
  const auto stopped =
      FitConditional(Family(1), data.z.view(), data.pairs, {},
                     [&](size_t, size_t, const std::string&) { return ++calls < 2; });
  EXPECT_EQ(stopped.status().code(), Code::kUnavailable);
}

TEST(FitConditional, RefusesWhatCannotBeFitted) {
  Data data = MakeData();
  const auto refusal = [&](const OpFamily& family, ConstMatrixView z) {
    return FitConditional(family, z, data.pairs, {}, nullptr).status();
  };
  EXPECT_EQ(refusal(OpFamily::Parse("hflip", 2).value(), data.z.view()).code(),
            Code::kInvalidArgument);
  EXPECT_NE(refusal(OpFamily::Parse("hflip,vflip,rotate(-10..20),brightness(0.5..2)", 2).value(),
                    data.z.view())
                .message()
                .find("vflip has 0 views"),
            std::string::npos);
  data.pairs.targets.row(7)[3] = std::numeric_limits<float>::infinity();
  EXPECT_NE(refusal(Family(), data.z.view()).message().find("row 7"), std::string::npos);
}

}  // namespace
}  // namespace augstore
