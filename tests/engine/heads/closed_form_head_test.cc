#include "engine/heads/closed_form_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "engine/heads/head_trainer.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 6;
constexpr uint32_t kClasses = 4;
constexpr HeadKind kAll[] = {HeadKind::kRidge, HeadKind::kLda, HeadKind::kMeans};

// Overlapping classes around random centres, of different sizes.
struct Toy {
  explicit Toy(size_t rows, float spread = 1, float shift = 5)
      : x(RandomMatrix(rows, kDim, 11)), samples(rows), labels(rows) {
    const Matrix centres = RandomMatrix(kClasses, kDim, 12);
    std::iota(samples.begin(), samples.end(), SampleId{0});
    for (size_t i = 0; i < rows; ++i) {
      const size_t label = std::min<size_t>(i % 7, kClasses - 1);
      labels[i] = static_cast<int32_t>(label);
      for (size_t j = 0; j < kDim; ++j) {
        x.row(i)[j] = shift + spread * x.row(i)[j] + centres.row(label)[j];
      }
    }
  }
  Matrix x;
  std::vector<SampleId> samples;
  std::vector<int32_t> labels;
};

Result<std::vector<ClosedFormHead>> Fit(const Toy& toy, std::span<const HeadKind> kinds = kAll) {
  AUGSTORE_ASSIGN(const auto statistics, HeadStatistics::Create(kDim, kClasses, 0));
  AUGSTORE_TRY(statistics->Add(toy.x.view(), toy.samples, toy.labels));
  statistics->Finish();
  return FitHeads(*statistics, kinds);
}

double Logit(const ClosedFormHead& head, std::span<const float> z, size_t c) {
  const Layer& layer = head.layers.layers[0];
  double sum = layer.bias[c];
  for (size_t j = 0; j < kDim; ++j) sum += double{layer.weight[c * kDim + j]} * z[j];
  return sum;
}

size_t Predict(const ClosedFormHead& head, std::span<const float> z) {
  size_t best = 0;
  for (size_t c = 1; c < kClasses; ++c) {
    if (Logit(head, z, c) > Logit(head, z, best)) best = c;
  }
  return best;
}

double Accuracy(const ClosedFormHead& head, const Toy& toy) {
  double hits = 0;
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    hits += Predict(head, toy.x.row(i)) == static_cast<size_t>(toy.labels[i]) ? 1 : 0;
  }
  return hits / static_cast<double>(toy.labels.size());
}

// Gauss-Jordan elimination; `a` is n x n, `b` n x m.
std::vector<double> BruteForceSolve(std::vector<double> a, std::vector<double> b, size_t n) {
  const size_t m = b.size() / n;
  for (size_t p = 0; p < n; ++p) {
    for (size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = a[i * n + p] / a[p * n + p];
      for (size_t j = 0; j < n; ++j) a[i * n + j] -= factor * a[p * n + j];
      for (size_t j = 0; j < m; ++j) b[i * m + j] -= factor * b[p * m + j];
    }
  }
  for (size_t i = 0; i < n * m; ++i) b[i] /= a[(i / m) * n + i / m];
  return b;
}

// Least squares on one-hot targets with the columns (z, 1), penalty n r on all weights but the
// intercept's: (kDim + 1) x kClasses.
std::vector<double> BruteForceRidge(const Toy& toy, double lambda) {
  constexpr size_t kColumns = kDim + 1;
  std::vector<double> normal(kColumns * kColumns);
  std::vector<double> right(kColumns * kClasses);
  const auto rows = static_cast<double>(toy.labels.size());
  for (size_t r = 0; r < toy.labels.size(); ++r) {
    std::vector<double> x(toy.x.row(r).begin(), toy.x.row(r).end());
    x.push_back(1);
    for (size_t i = 0; i < kColumns; ++i) {
      for (size_t j = 0; j < kColumns; ++j) normal[i * kColumns + j] += x[i] * x[j];
      right[i * kClasses + static_cast<size_t>(toy.labels[r])] += x[i];
    }
  }
  double trace = 0;
  for (size_t i = 0; i < kDim; ++i) {
    const double sum = normal[i * kColumns + kDim];
    trace += normal[i * kColumns + i] - sum * sum / rows;
  }
  for (size_t i = 0; i < kDim; ++i) normal[i * kColumns + i] += lambda * trace / kDim;
  return BruteForceSolve(normal, right, kColumns);
}

TEST(ClosedFormHead, RidgeIsTheLeastSquaresSolutionTimesTheScale) {
  const Toy toy(1500);
  const HeadKind kind[] = {HeadKind::kRidge};
  const ClosedFormHead head = Fit(toy, kind).value()[0];
  const std::vector<double> expected = BruteForceRidge(toy, head.lambda);
  const Layer& layer = head.layers.layers[0];
  for (size_t c = 0; c < kClasses; ++c) {
    for (size_t j = 0; j < kDim; ++j) {
      EXPECT_NEAR(layer.weight[c * kDim + j] / head.scale, expected[j * kClasses + c], 1e-5);
    }
    EXPECT_NEAR(layer.bias[c] / head.scale, expected[kDim * kClasses + c], 1e-5);
  }
}

TEST(ClosedFormHead, LdaTellsTwoGaussiansApartAlongTheInverseCovariance) {
  Toy toy(20000);
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    // Columns 0 and 1 are nearly equal, and only their difference depends on the class.
    const float shared = 10 * toy.x.row(i)[0];
    toy.labels[i] = static_cast<int32_t>(i % 2);
    toy.x.row(i)[0] = shared + toy.x.row(i)[2] + (i % 2 == 0 ? 1.0F : -1.0F);
    toy.x.row(i)[1] = shared;
  }
  const std::vector<ClosedFormHead> heads = Fit(toy).value();
  EXPECT_GT(Accuracy(heads[1], toy), 0.9);
  EXPECT_LT(Accuracy(heads[2], toy), 0.7) << "the nearest mean does not see it";
  const Layer& layer = heads[1].layers.layers[0];
  EXPECT_NEAR((layer.weight[0] - layer.weight[kDim]) / (layer.weight[kDim + 1] - layer.weight[1]),
              1, 0.05);
}

TEST(ClosedFormHead, MeansChoosesTheNearestClassMean) {
  const Toy toy(700);
  std::vector<double> means(kClasses * kDim);
  std::vector<double> counts(kClasses);
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    const auto c = static_cast<size_t>(toy.labels[i]);
    ++counts[c];
    for (size_t j = 0; j < kDim; ++j) means[c * kDim + j] += toy.x.row(i)[j];
  }
  const ClosedFormHead head = Fit(toy).value()[2];
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    std::vector<double> distances(kClasses);
    for (size_t c = 0; c < kClasses; ++c) {
      for (size_t j = 0; j < kDim; ++j) {
        distances[c] += std::pow(toy.x.row(i)[j] - means[c * kDim + j] / counts[c], 2);
      }
    }
    const auto nearest = std::ranges::min_element(distances) - distances.begin();
    EXPECT_EQ(Predict(head, toy.x.row(i)), static_cast<size_t>(nearest)) << i;
  }
}

TEST(ClosedFormHead, GivesProbabilitiesThatHoldOnNewRows) {
  const Toy toy(6000, 1.2F);
  const std::vector<ClosedFormHead> heads = Fit(toy).value();
  for (const ClosedFormHead& head : heads) {
    double confidence = 0;
    for (size_t i = 0; i < toy.labels.size(); ++i) {
      double total = 0;
      double largest = 0;
      for (size_t c = 0; c < kClasses; ++c) {
        const double e = std::exp(Logit(head, toy.x.row(i), c));
        total += e;
        largest = std::max(largest, e);
      }
      confidence += largest / total;
    }
    confidence /= static_cast<double>(toy.labels.size());
    EXPECT_NEAR(confidence, Accuracy(head, toy), 0.08) << HeadKindName(head.kind);
    EXPECT_LT(head.held_out_loss, std::log(4.0)) << HeadKindName(head.kind);
  }
}

TEST(ClosedFormHead, DoesNotDependOnBatchesOrOnTheOtherKinds) {
  const Toy toy(2000);
  const std::vector<ClosedFormHead> all = Fit(toy).value();
  auto statistics = HeadStatistics::Create(kDim, kClasses, 0).value();
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    ASSERT_TRUE(statistics
                    ->Add(toy.x.view().Slice(i, 1), std::span(toy.samples).subspan(i, 1),
                          std::span(toy.labels).subspan(i, 1))
                    .ok());
  }
  statistics->Finish();
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(FitHeads(*statistics, std::span(kAll).subspan(k, 1)).value()[0].layers,
              all[k].layers);
  }
}

TEST(ClosedFormHead, LeavesUnlabelledRowsOut) {
  const Toy toy(900);
  Toy more(1400);
  std::copy_n(toy.x.data(), 900 * kDim, more.x.data());
  std::fill(more.labels.begin() + 900, more.labels.end(), -1);
  for (size_t i = 900; i < 1400; ++i) more.x.row(i)[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<ClosedFormHead> expected = Fit(toy).value();
  const std::vector<ClosedFormHead> heads = Fit(more).value();
  for (size_t k = 0; k < 3; ++k) EXPECT_EQ(heads[k].layers, expected[k].layers);
}

TEST(ClosedFormHead, NeverPredictsAClassWithoutRows) {
  Toy toy(900);
  for (int32_t& label : toy.labels) label = label == 1 ? 2 : label;
  const std::vector<ClosedFormHead> heads = Fit(toy).value();
  for (const ClosedFormHead& head : heads) {
    EXPECT_TRUE(head.layers.Validate().ok());
    for (size_t i = 0; i < toy.labels.size(); ++i) EXPECT_NE(Predict(head, toy.x.row(i)), 1u);
    const std::vector<float> zeros(kDim);
    EXPECT_NE(Predict(head, zeros), 1u);
  }
}

TEST(ClosedFormHead, StaysFiniteWhenAClassIsOnlyHeldOutOrOnlyNot) {
  for (const bool held_out : {true, false}) {
    Toy toy(900);
    auto statistics = HeadStatistics::Create(kDim, kClasses, 0).value();
    ASSERT_TRUE(statistics->Add(toy.x.view(), toy.samples, toy.labels).ok());
    const std::vector<int32_t> three(1, 3);
    for (int32_t& label : toy.labels) label = std::min(label, 2);
    for (size_t i = 0; i < toy.labels.size(); ++i) {
      auto one = HeadStatistics::Create(kDim, kClasses, 0).value();
      ASSERT_TRUE(one->Add(toy.x.view().Slice(i, 1), {&toy.samples[i], 1}, three).ok());
      one->Finish();
      if ((one->held_out().counts[3] > 0) != held_out) continue;
      toy.labels[i] = 3;
      break;
    }
    const std::vector<ClosedFormHead> heads = Fit(toy).value();
    for (const ClosedFormHead& head : heads) {
      EXPECT_TRUE(head.layers.Validate().ok());
      EXPECT_TRUE(std::isfinite(head.held_out_loss));
      EXPECT_GT(Accuracy(head, toy), 0.5) << HeadKindName(head.kind);
    }
  }
}

TEST(ClosedFormHead, SolvesDuplicateAndConstantColumns) {
  Toy toy(900);
  for (size_t i = 0; i < toy.labels.size(); ++i) {
    toy.x.row(i)[1] = toy.x.row(i)[0];
    toy.x.row(i)[2] = 3;
  }
  const std::vector<ClosedFormHead> heads = Fit(toy).value();
  for (const ClosedFormHead& head : heads) {
    const Layer& layer = head.layers.layers[0];
    EXPECT_GT(Accuracy(head, toy), 0.5) << HeadKindName(head.kind);
    for (size_t c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(layer.weight[c * kDim], layer.weight[c * kDim + 1],
                  0.01 + 0.01 * std::abs(layer.weight[c * kDim]));
    }
  }
}

TEST(ClosedFormHead, SeparatesClassesWithoutSpread) {
  const Toy toy(900, 0);
  const std::vector<ClosedFormHead> heads = Fit(toy).value();
  for (const ClosedFormHead& head : heads) {
    EXPECT_EQ(Accuracy(head, toy), 1) << HeadKindName(head.kind);
    EXPECT_LT(head.held_out_loss, 0.1) << HeadKindName(head.kind);
  }
}

void ExpectRefused(const Toy& toy, Code code, const std::string& part) {
  const auto heads = Fit(toy);
  ASSERT_FALSE(heads.ok());
  EXPECT_EQ(heads.status().code(), code);
  EXPECT_NE(heads.status().message().find(part), std::string::npos) << heads.status().ToString();
}

TEST(ClosedFormHead, NamesWhatIsMissing) {
  Toy toy(900);
  std::ranges::fill(toy.labels, -1);
  ExpectRefused(toy, Code::kFailedPrecondition, "no sample has a label");
  std::ranges::fill(toy.labels, 2);
  ExpectRefused(toy, Code::kFailedPrecondition, "all 900 labelled samples have the class number 2");
  Toy few(2);
  few.samples = {1, 1};
  ExpectRefused(few, Code::kFailedPrecondition, "of 2 labelled samples are held out");
}

TEST(ClosedFormHead, RefusesRowsThatAreNotFiniteOrAllTheSame) {
  Toy toy(900);
  toy.x.row(3)[4] = std::numeric_limits<float>::infinity();
  ExpectRefused(toy, Code::kInvalidArgument, "not finite in column 4");
  Toy same(900);
  std::fill_n(same.x.data(), 900 * kDim, 2.0F);
  ExpectRefused(same, Code::kInvalidArgument, "do not differ");
}

TEST(ClosedFormHead, IsAWarmStartOfTraining) {
  const Toy toy(900);
  const ClosedFormHead head = Fit(toy).value()[0];
  const HeadTrainerOptions options{.arch = "linear",
                                   .dim = kDim,
                                   .classes = kClasses,
                                   .heads = {{1e-3, 0, 0}},
                                   .initial = {head.layers}};
  const auto trainer = HeadTrainer::Create(options).value();
  const HeadMetrics before = trainer->Evaluate(toy.x.view(), toy.labels).value()[0];
  EXPECT_NEAR(before.accuracy, Accuracy(head, toy), 1e-9);
  for (int step = 0; step < 200; ++step) {
    ASSERT_TRUE(trainer->Step(toy.x.view(), toy.labels).ok());
  }
  EXPECT_LT(trainer->Evaluate(toy.x.view(), toy.labels).value()[0].loss, before.loss);
}

TEST(HeadKind, HasANameThatIsReadAgain) {
  for (const HeadKind kind : kAll) EXPECT_EQ(ParseHeadKind(HeadKindName(kind)).value(), kind);
  EXPECT_EQ(ParseHeadKind("svm").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace augstore
