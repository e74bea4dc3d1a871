#include "engine/heads/head_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/math/compute_threads.h"
#include "tests/engine/kernels/networks.h"
#include "tests/engine/kernels/reference_engine.h"

namespace augstore {
namespace {

constexpr uint32_t kDim = 24;
constexpr uint32_t kClasses = 5;

// Points around one centre per class.
struct Toy {
  Toy(size_t rows, float spread, unsigned seed) : x(RandomMatrix(rows, kDim, seed)), labels(rows) {
    const Matrix centres = RandomMatrix(kClasses, kDim, 99);
    for (size_t i = 0; i < rows; ++i) {
      labels[i] = static_cast<int32_t>(i % kClasses);
      for (size_t j = 0; j < kDim; ++j) {
        x.row(i)[j] = centres.row(i % kClasses)[j] + spread * x.row(i)[j];
      }
    }
  }
  Matrix x;
  std::vector<int32_t> labels;
};

HeadTrainerOptions Options(const std::string& arch, size_t heads) {
  HeadTrainerOptions options;
  options.arch = arch;
  options.dim = kDim;
  options.classes = kClasses;
  for (size_t h = 0; h < heads; ++h) {
    options.heads.push_back({1e-2 / static_cast<double>(h + 1), 1e-3 * static_cast<double>(h), h});
  }
  return options;
}

std::unique_ptr<HeadTrainer> Make(const HeadTrainerOptions& options) {
  return HeadTrainer::Create(options).value();
}

void Train(HeadTrainer& trainer, int steps, size_t rows = 50) {
  for (int step = 0; step < steps; ++step) {
    const Toy toy(rows, 0.5F, static_cast<unsigned>(step));
    const Status status = trainer.Step(toy.x.view(), toy.labels);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
}

void ExpectRefused(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_NE(status.message().find(part), std::string::npos) << status.ToString();
}

TEST(ParseArch, ReadsLinearAndMlp) {
  EXPECT_EQ(ParseArch("linear").value(), std::vector<uint32_t>{});
  EXPECT_EQ(ParseArch("mlp(1024,128)").value(), (std::vector<uint32_t>{1024, 128}));
  EXPECT_EQ(ParseArch("mlp(7)").value(), std::vector<uint32_t>{7});
}

TEST(ParseArch, RefusesEverythingElse) {
  for (const char* text :
       {"", "mlp", "mlp(", "mlp()", "mlp(0)", "mlp(-3)", "mlp(8,)", "mlp(,8)", "mlp(8 )",
        "mlp(8.5)", "mlp(99999999999999999999)", "mlp(65537)", "conv(3)", "Linear", "linear "}) {
    const Result<std::vector<uint32_t>> widths = ParseArch(text);
    ASSERT_FALSE(widths.ok()) << text;
    ExpectRefused(widths.status(), "'" + std::string(text) + "'");
  }
}

TEST(ParseArch, BoundsTheNumberOfLayers) {
  std::string text = "mlp(2";
  for (int i = 0; i < 14; ++i) text += ",2";
  EXPECT_TRUE(ParseArch(text + ")").ok());
  ExpectRefused(ParseArch(text + ",2)").status(), "too many layers");
}

TEST(HeadTrainer, RefusesOptionsThatMakeNoSense) {
  const auto refuse = [](const HeadTrainerOptions& options, const std::string& part) {
    const auto trainer = HeadTrainer::Create(options);
    ASSERT_FALSE(trainer.ok()) << part;
    ExpectRefused(trainer.status(), part);
  };
  refuse(Options("linear", 0), "0 heads");
  refuse(Options("tree", 1), "'tree'");
  HeadTrainerOptions options = Options("linear", 1);
  options.optimizer = "lbfgs";
  refuse(options, "'lbfgs'");
  options = Options("linear", 1);
  options.dim = 0;
  refuse(options, "dimension 0");
  options = Options("linear", 1);
  options.classes = 0;
  refuse(options, "0 classes");
  options = Options("linear", 2);
  options.heads[1].learning_rate = 0;
  refuse(options, "head 1 has learning rate 0");
  options.heads[1] = {1e-3, -1, 0};
  refuse(options, "head 1 has weight decay -1");
  refuse(Options("mlp(65536,65536)", 1), "weights");
}

class HeadArchs : public ::testing::TestWithParam<std::string> {};

TEST_P(HeadArchs, LearnASeparableSet) {
  for (const char* optimizer : {"adamw", "sgd"}) {
    HeadTrainerOptions options = Options(GetParam(), 1);
    options.optimizer = optimizer;
    options.total_steps = 150;
    const std::unique_ptr<HeadTrainer> trainer = Make(options);
    const Toy test(500, 0.5F, 12345);
    const double before = trainer->Evaluate(test.x.view(), test.labels).value()[0].loss;
    Train(*trainer, 150);
    const HeadMetrics after = trainer->Evaluate(test.x.view(), test.labels).value()[0];
    EXPECT_GT(after.accuracy, 0.95) << optimizer;
    EXPECT_LT(after.loss, 0.3 * before) << optimizer;
    EXPECT_EQ(after.samples, 500u);
  }
}

TEST_P(HeadArchs, HeadOfManyIsBitForBitTheHeadAlone) {
  const int before = ComputeThreads();
  for (const char* optimizer : {"adamw", "sgd"}) {
    HeadTrainerOptions many = Options(GetParam(), 9);
    many.optimizer = optimizer;
    many.total_steps = 12;
    SetComputeThreads(3);
    const std::unique_ptr<HeadTrainer> together = Make(many);
    Train(*together, 12);
    const std::vector<double> losses = together->TakeTrainLoss();
    SetComputeThreads(1);
    for (size_t h = 0; h < 9; ++h) {
      HeadTrainerOptions one = many;
      one.heads = {many.heads[h]};
      const std::unique_ptr<HeadTrainer> alone = Make(one);
      Train(*alone, 12);
      EXPECT_EQ(alone->Export(0), together->Export(h)) << optimizer << " " << h;
      EXPECT_EQ(alone->TakeTrainLoss()[0], losses[h]) << optimizer << " " << h;
    }
  }
  SetComputeThreads(before);
}

TEST_P(HeadArchs, EvaluatesWhatTheExportedLayersGive) {
  const std::unique_ptr<HeadTrainer> trainer = Make(Options(GetParam(), 3));
  Train(*trainer, 5);
  const Toy test(700, 1, 4);  // more than one block of Evaluate
  const std::vector<HeadMetrics> metrics = trainer->Evaluate(test.x.view(), test.labels).value();
  ASSERT_EQ(metrics.size(), 3u);
  for (size_t h = 0; h < 3; ++h) {
    const Matrix logits =
        Applied(*NewReferenceEngine(), MakeNetwork(trainer->Export(h)).value(), test.x.view());
    double loss = 0;
    for (size_t i = 0; i < 700; ++i) {
      double sum = 0;
      for (const float logit : logits.row(i)) sum += std::exp(double{logit});
      loss += std::log(sum) - logits.row(i)[static_cast<size_t>(test.labels[i])];
    }
    EXPECT_NEAR(metrics[h].loss, loss / 700, 1e-4);
  }
}

// One plain SGD step moves the weights by minus the gradient of the mean loss.
TEST_P(HeadArchs, GradientsAgreeWithFiniteDifferences) {
  HeadTrainerOptions options = Options(GetParam(), 1);
  options.optimizer = "sgd";
  options.heads[0] = {1.0, 0.0, 3};
  const std::unique_ptr<HeadTrainer> trainer = Make(options);
  const Toy toy(15, 1, 8);
  const Layers before = trainer->Export(0);
  ASSERT_TRUE(trainer->Step(toy.x.view(), toy.labels).ok());
  const Layers after = trainer->Export(0);
  const auto loss = [&](const Layers& layers) {
    const Matrix logits = Applied(*NewReferenceEngine(), MakeNetwork(layers).value(), toy.x.view());
    double total = 0;
    for (size_t i = 0; i < 15; ++i) {
      double sum = 0;
      for (const float logit : logits.row(i)) sum += std::exp(double{logit});
      total += std::log(sum) - logits.row(i)[static_cast<size_t>(toy.labels[i])];
    }
    return total / 15;
  };
  for (size_t l = 0; l < before.layers.size(); ++l) {
    for (const size_t i : {size_t{0}, before.layers[l].weight.size() - 1}) {
      Layers above = before;
      Layers below = before;
      above.layers[l].weight[i] += 1e-2F;
      below.layers[l].weight[i] -= 1e-2F;
      const double gradient = (loss(above) - loss(below)) / 2e-2;
      EXPECT_NEAR(before.layers[l].weight[i] - after.layers[l].weight[i], gradient, 2e-3);
    }
    Layers above = before;
    Layers below = before;
    above.layers[l].bias[0] += 1e-2F;
    below.layers[l].bias[0] -= 1e-2F;
    const double gradient = (loss(above) - loss(below)) / 2e-2;
    EXPECT_NEAR(before.layers[l].bias[0] - after.layers[l].bias[0], gradient, 2e-3);
  }
}

// Widths on both sides of one tile, and several tiles with a remainder.
INSTANTIATE_TEST_SUITE_P(Archs, HeadArchs,
                         ::testing::Values("linear", "mlp(16)", "mlp(300,40)", "mlp(128,129)"));

TEST(HeadTrainer, LeavesOutSamplesWithoutALabel) {
  const Toy toy(40, 0.5F, 1);
  Matrix more(60, kDim);
  std::vector<int32_t> labels(60, -1);
  for (size_t i = 0; i < 60; ++i) {
    const bool labelled = i % 3 != 0;
    const size_t from = i - (i + 2) / 3;
    if (labelled) labels[i] = toy.labels[from];
    for (size_t j = 0; j < kDim; ++j) {
      more.row(i)[j] = labelled ? toy.x.row(from)[j] : std::numeric_limits<float>::quiet_NaN();
    }
  }
  const std::unique_ptr<HeadTrainer> a = Make(Options("linear", 2));
  const std::unique_ptr<HeadTrainer> b = Make(Options("linear", 2));
  ASSERT_TRUE(a->Step(toy.x.view(), toy.labels).ok());
  ASSERT_TRUE(b->Step(more.view(), labels).ok());
  EXPECT_EQ(a->Export(1), b->Export(1));
  EXPECT_EQ(a->TakeTrainLoss(), b->TakeTrainLoss());
  EXPECT_EQ(b->Evaluate(more.view(), labels).value()[0].samples, 40u);
}

TEST(HeadTrainer, DoesNothingOnABatchWithoutLabels) {
  const std::unique_ptr<HeadTrainer> trainer = Make(Options("linear", 1));
  const Layers before = trainer->Export(0);
  const Toy toy(8, 0.5F, 1);
  const std::vector<int32_t> none(8, -1);
  ASSERT_TRUE(trainer->Step(toy.x.view(), none).ok());
  ASSERT_TRUE(trainer->Step({nullptr, 0, kDim}, {}).ok());
  EXPECT_EQ(trainer->Export(0), before);
  EXPECT_EQ(trainer->TakeTrainLoss()[0], 0);
  const HeadMetrics metrics = trainer->Evaluate(toy.x.view(), none).value()[0];
  EXPECT_EQ(metrics.samples, 0u);
  EXPECT_EQ(metrics.accuracy, 0);
}

TEST(HeadTrainer, RefusesBatchesThatDoNotFit) {
  const std::unique_ptr<HeadTrainer> trainer = Make(Options("linear", 1));
  Toy toy(8, 0.5F, 1);
  toy.labels[5] = 17;
  ExpectRefused(trainer->Step(toy.x.view(), toy.labels), "row 5 has the label 17");
  ExpectRefused(trainer->Evaluate(toy.x.view(), toy.labels).status(), "label 17");
  toy.labels[5] = -2;
  ExpectRefused(trainer->Step(toy.x.view(), toy.labels), "label -2");
  toy.labels.pop_back();
  ExpectRefused(trainer->Step(toy.x.view(), toy.labels), "8 embeddings come with 7 labels");
  const Matrix narrow = RandomMatrix(7, kDim - 1, 1);
  ExpectRefused(trainer->Step(narrow.view(), toy.labels), "23 columns");
}

TEST(HeadTrainer, NamesTheHeadWhoseLossIsNotFiniteAndKeepsTheWeights) {
  HeadTrainerOptions options = Options("linear", 3);
  options.heads[1].learning_rate = 1e38;
  const std::unique_ptr<HeadTrainer> trainer = Make(options);
  Status status;
  Layers before;
  for (unsigned step = 0; step < 20 && status.ok(); ++step) {
    before = trainer->Export(2);
    const Toy toy(50, 0.5F, step);
    status = trainer->Step(toy.x.view(), toy.labels);
  }
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("head 1 (learning rate 1e+38"), std::string::npos)
      << status.ToString();
  EXPECT_EQ(trainer->Export(2), before);
}

TEST(HeadTrainer, ResetsTheTrainingLossWhenItIsTaken) {
  const std::unique_ptr<HeadTrainer> trainer = Make(Options("linear", 2));
  Train(*trainer, 3);
  EXPECT_GT(trainer->TakeTrainLoss()[1], 0);
  EXPECT_EQ(trainer->TakeTrainLoss(), (std::vector<double>{0, 0}));
}

TEST(HeadTrainer, StopsMovingWhenTheScheduleEnds) {
  HeadTrainerOptions options = Options("linear", 1);
  options.total_steps = 10;
  const std::unique_ptr<HeadTrainer> trainer = Make(options);
  Train(*trainer, 10);
  const Layers before = trainer->Export(0);
  Train(*trainer, 2);
  EXPECT_EQ(trainer->Export(0), before);
}

TEST(HeadTrainer, TakesBatchesOfAnySize) {
  const std::unique_ptr<HeadTrainer> trainer = Make(Options("mlp(16)", 2));
  for (const size_t rows : {1u, 300u, 7u, 64u}) Train(*trainer, 1, rows);
  EXPECT_TRUE(trainer->Export(1).Validate().ok());
  EXPECT_EQ(trainer->size(), 2u);
}

TEST(HeadTrainer, ForgetsTheBatchesBefore) {
  for (const char* arch : {"linear", "mlp(40,20)"}) {
    for (const size_t rows : {1u, 7u, 16u, 65u}) {
      const Toy toy(rows, 0.5F, 5);
      const Toy other(300, 0.5F, 6);
      const std::unique_ptr<HeadTrainer> fresh = Make(Options(arch, 3));
      const std::unique_ptr<HeadTrainer> used = Make(Options(arch, 3));
      ASSERT_TRUE(used->Evaluate(other.x.view(), other.labels).ok());
      for (const auto& trainer : {fresh.get(), used.get()}) {
        ASSERT_TRUE(trainer->Step(toy.x.view(), toy.labels).ok());
      }
      ASSERT_TRUE(used->Evaluate(other.x.view(), other.labels).ok());
      for (const auto& trainer : {fresh.get(), used.get()}) {
        ASSERT_TRUE(trainer->Step(toy.x.view(), toy.labels).ok());
      }
      for (size_t h = 0; h < 3; ++h) EXPECT_EQ(fresh->Export(h), used->Export(h)) << arch << rows;
    }
  }
}

TEST(HeadTrainer, StartsFromGivenWeightsAndIsDeterministicFromThere) {
  const std::unique_ptr<HeadTrainer> first = Make(Options("mlp(16)", 2));
  Train(*first, 5);
  HeadTrainerOptions options = Options("mlp(16)", 2);
  options.initial = {first->Export(0), first->Export(1)};
  const std::unique_ptr<HeadTrainer> one = Make(options);
  EXPECT_EQ(one->Export(0), options.initial[0]);
  EXPECT_EQ(one->Export(1), options.initial[1]);
  options.heads[0].seed = 77;  // of weights that are replaced
  const std::unique_ptr<HeadTrainer> other = Make(options);
  Train(*one, 5);
  Train(*other, 5);
  EXPECT_EQ(one->Export(0), other->Export(0));
  EXPECT_EQ(one->Export(1), other->Export(1));
  EXPECT_NE(one->Export(0), options.initial[0]);
}

TEST(HeadTrainer, RefusesInitialWeightsOfAnotherShape) {
  HeadTrainerOptions options = Options("mlp(16)", 2);
  const Layers fits = Make(options)->Export(0);
  options.initial = {fits};
  ExpectRefused(HeadTrainer::Create(options).status(),
                "2 heads come with the initial weights of 1");
  options.initial = {fits, Make(Options("linear", 1))->Export(0)};
  ExpectRefused(HeadTrainer::Create(options).status(), "initial weights of head 1");
  options.initial = {fits, fits};
  options.initial[1].layers[0].shape.activation = Activation::kNone;
  ExpectRefused(HeadTrainer::Create(options).status(), "initial weights of head 1");
}

}  // namespace
}  // namespace augstore
