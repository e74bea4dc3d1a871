#include "tools/head/head_predictor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine/kernels/tile_engine.h"
#include "tests/engine/kernels/networks.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

constexpr size_t kRows = 20;

class HeadPredictorTest : public testing::Test {
 protected:
  HeadPredictorTest() : client_(Client::Connect(serving_.tcp().ToString()).value()) {
    head_.ref = "h@1";
    head_.record.backbone = TestBackbone();
    head_.record.dim = kTestDim;
    head_.record.classes = {"a", "b", "c"};
    head_.record.lineage.stream.policy = "identity:2,double@1";
    head_.network = RandomNetwork({{kTestDim, 3, Activation::kNone, false}}, 3);
    std::iota(ids_.begin(), ids_.end(), SampleId{100});
  }

  Matrix Probabilities(const TestTimeFlags& flags, std::string* policy = nullptr) {
    const auto predictor = HeadPredictor::Open(*client_, head_, flags);
    EXPECT_TRUE(predictor.ok()) << predictor.status().ToString();
    Matrix p(kRows, 3);
    EXPECT_TRUE((*predictor)->Predict(z_.view(), ids_, p.view()).ok());
    if (policy != nullptr) *policy = (*predictor)->policy();
    return p;
  }

  Matrix Softmaxed(float scale, float offset) {
    Matrix view = Copy(std::as_const(z_).view());
    for (size_t i = 0; i < kRows * kTestDim; ++i) {
      view.data()[i] = scale * view.data()[i] + offset;
    }
    Matrix p = Applied(*NewTileEngine(), head_.network, std::as_const(view).view());
    Softmax(p.view());
    return p;
  }

  Serving serving_;
  std::unique_ptr<Client> client_;
  LoadedHead head_;
  Matrix z_ = RandomMatrix(kRows, kTestDim, 5);
  std::vector<SampleId> ids_ = std::vector<SampleId>(kRows);
};

TEST_F(HeadPredictorTest, GivesTheHeadsOwnProbabilitiesWithoutAugmentation) {
  std::string policy = "x";
  const Matrix p = Probabilities({}, &policy);
  EXPECT_EQ(policy, "");
  EXPECT_TRUE(SameBytes(p.view(), Softmaxed(1, 0).view()));
}

TEST_F(HeadPredictorTest, AveragesByTheWeightsOfThePolicy) {
  std::string policy;
  const Matrix p = Probabilities({.policy = "identity:3,shift@1:1"}, &policy);
  EXPECT_EQ(policy, "identity:3,shift@1");
  const Matrix plain = Softmaxed(1, 0);
  const Matrix shifted = Softmaxed(1, 1);
  for (size_t i = 0; i < kRows * 3; ++i) {
    EXPECT_NEAR(p.data()[i], 0.75 * plain.data()[i] + 0.25 * shifted.data()[i], 1e-6);
  }
}

TEST_F(HeadPredictorTest, TakesThePolicyThatTheHeadWasTrainedWith) {
  std::string policy;
  const Matrix p = Probabilities({.policy = "trained"}, &policy);
  EXPECT_EQ(policy, "identity:2,double@1");
  const Matrix plain = Softmaxed(1, 0);
  const Matrix doubled = Softmaxed(2, 0);
  for (size_t i = 0; i < kRows * 3; ++i) {
    EXPECT_NEAR(p.data()[i], (2 * plain.data()[i] + doubled.data()[i]) / 3, 1e-6);
  }
}

TEST_F(HeadPredictorTest, DrawsResidualsBySampleAndSeed) {
  TransformWeights weights;
  weights.layers = ScalingLayers(1, 0);
  weights.error_bank = RandomMatrix(30, kTestDim, 9);
  TransformRecord record = TestTransform(weights.layers);
  record.weights = {};
  ASSERT_TRUE(
      client_->Add(RecordKind::kTransform, "noisy", Encode(record), weights.ToSafetensors()).ok());
  const TestTimeFlags flags{.policy = "noisy~", .draws = 3, .seed = 1};
  const Matrix p = Probabilities(flags);
  EXPECT_TRUE(SameBytes(Probabilities(flags).view(), p.view()));
  EXPECT_FALSE(
      SameBytes(Probabilities({.policy = "noisy~", .draws = 3, .seed = 2}).view(), p.view()));
  for (size_t i = 0; i < kRows; ++i) {
    EXPECT_NEAR(p.row(i)[0] + p.row(i)[1] + p.row(i)[2], 1, 1e-5);
  }
  EXPECT_EQ(HeadPredictor::Open(*client_, head_, flags).value()->views(), 3u);
}

TEST_F(HeadPredictorTest, RefusesUnknownTransformsAndThoseOfOtherBackbones) {
  EXPECT_EQ(HeadPredictor::Open(*client_, head_, {.policy = "nosuch"}).status().code(),
            Code::kNotFound);
  EXPECT_EQ(HeadPredictor::Open(*client_, head_, {.policy = ","}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(HeadPredictor::Open(*client_, head_, {.policy = "shift~"}).status().code(),
            Code::kFailedPrecondition);
  head_.record.backbone.bytes[0] ^= 1;
  EXPECT_EQ(HeadPredictor::Open(*client_, head_, {.policy = "shift"}).status().code(),
            Code::kFailedPrecondition);
}

TEST(Softmax, SumsToOneAlsoForHugeLogits) {
  Matrix p(2, 3);
  std::ranges::copy(std::vector<float>{1000, 1000, -1000}, p.row(0).begin());
  std::ranges::copy(std::vector<float>{0, std::log(2.0f), 0}, p.row(1).begin());
  Softmax(p.view());
  EXPECT_FLOAT_EQ(p.row(0)[0], 0.5f);
  EXPECT_FLOAT_EQ(p.row(0)[2], 0.0f);
  EXPECT_FLOAT_EQ(p.row(1)[1], 0.5f);
}

}  // namespace
}  // namespace augstore
