#include "engine/fitting/epoch_loop.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

namespace augstore {
namespace {

// Has the errors that a test gives it, of epoch 0, 1, ….
class Scripted : public EpochTrainer {
 public:
  explicit Scripted(std::vector<double> errors) : errors_(std::move(errors)) {}
  uint32_t Advance(uint32_t epoch) override { return epoch_ = epoch + 1; }
  Result<double> HeldOutError() override { return errors_.at(epoch_); }
  FittedTransform Export() const override {
    FittedTransform fitted;
    fitted.notes = "from=" + std::to_string(epoch_);
    return fitted;
  }
  uint32_t epoch() const { return epoch_; }

 private:
  std::vector<double> errors_;
  uint32_t epoch_ = 0;
};

TransformPairs OnePair() {
  TransformPairs pairs;
  pairs.held_out_z = Matrix(1, 1);
  pairs.held_out_target = Matrix(1, 1);
  pairs.held_out_z.data()[0] = 0;
  pairs.held_out_target.data()[0] = 2;
  return pairs;
}

EpochPlan Plan() {
  EpochPlan plan;
  plan.family = "some";
  plan.learning_rate = 0.5;
  plan.max_epochs = 5;
  plan.patience = 2;
  return plan;
}

TEST(TrainEpochs, KeepsTheBestAndStopsAfterEpochsWithoutImprovement) {
  Scripted trainer({5, 4, 3, 3, 3.5, 1});
  std::vector<double> r2;
  const auto fitted = TrainEpochs(trainer, Plan(), OnePair(), [&](const TransformProgress& state) {
    EXPECT_EQ(state.epoch, r2.size());
    EXPECT_EQ(state.family, "some");
    r2.push_back(state.r2);
    return true;
  });
  ASSERT_TRUE(fitted.ok());
  EXPECT_EQ(fitted->notes, "epochs=2 learning_rate=0.5 from=2");
  EXPECT_EQ(trainer.epoch(), 4u);
  EXPECT_EQ(r2[0], 1 - 5.0 / 4) << "the identity's error is 2²";
}

TEST(TrainEpochs, StopsAtTheMaximumAndWhenTheCallerSaysSo) {
  Scripted whole({9, 8, 7, 6, 5, 4, 3});
  EXPECT_EQ(TrainEpochs(whole, Plan(), OnePair(), {})->notes, "epochs=5 learning_rate=0.5 from=5");
  Scripted stopped({9, 8, 7});
  const auto fitted = TrainEpochs(stopped, Plan(), OnePair(),
                                  [](const TransformProgress& state) { return state.epoch < 1; });
  EXPECT_EQ(fitted->notes, "epochs=1 learning_rate=0.5 from=1");
}

TEST(TrainEpochs, CountsTheStartOnlyWhereThePlanSaysSo) {
  EpochPlan plan = Plan();
  plan.judge_start = false;
  Scripted trainer({0, 4, 5, 6, 7, 8});
  EXPECT_EQ(TrainEpochs(trainer, std::move(plan), OnePair(), {})->notes,
            "epochs=1 learning_rate=0.5 from=1");
  plan = Plan();
  plan.start.emplace();
  plan.start->notes = "given";
  plan.start_error = 3;
  Scripted worse({4, 4, 4, 4});
  EXPECT_EQ(TrainEpochs(worse, std::move(plan), OnePair(), {})->notes,
            "epochs=0 learning_rate=0.5 given");
}

TEST(TrainEpochs, SaysWhenTrainingDiverges) {
  Scripted trainer({1, std::numeric_limits<double>::infinity()});
  const Status refused = TrainEpochs(trainer, Plan(), OnePair(), {}).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.message(),
            "training of 'some' diverged in epoch 1 with learning rate 0.5: give a smaller one");
}

}  // namespace
}  // namespace augstore
