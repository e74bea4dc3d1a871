#include "engine/streams/chain_rows.h"

#include <algorithm>
#include <numeric>

#include "engine/kernels/tile_engine.h"
#include "tests/engine/streams/stream_support.h"

namespace augstore {
namespace {

// More rows than a block has, some of them several times.
constexpr size_t kRows = 20000;

class ChainRowsTest : public StreamTest {
 protected:
  void SetUp() override {
    const auto backbone = filled_.catalog->Get<CollectionRecord>("toy").value().record.backbone;
    const auto pinned =
        ResolveChain(*filled_.catalog, models_, backbone, ParseChain("double>shift").value());
    ASSERT_TRUE(pinned.ok()) << pinned.status().ToString();
    steps_ = pinned->steps;
    const auto stream = Resolve(Spec("identity"));
    table_ = stream->table;
    for (size_t i = 0; i < kRows; ++i) {
      rows_.push_back(table_->rows[i % table_->rows.size()]);
      ids_.push_back(i);
    }
  }
  ChainRows Rows(size_t begin, size_t count) const {
    return {table_->space,
            std::span(rows_).subspan(begin, count),
            {3, 4, std::span(ids_).subspan(begin, count)}};
  }

  const std::unique_ptr<Engine> engine_ = NewTileEngine();
  std::vector<TransformStep> steps_;
  std::shared_ptr<const SampleTable> table_;
  std::vector<RowId> rows_;
  std::vector<SampleId> ids_;
};

TEST_F(ChainRowsTest, MakesTheSameBytesWhereverABlockEnds) {
  ASSERT_LT(ChainBlockRows(steps_), kRows);
  for (const std::span<const TransformStep> chain :
       {std::span<const TransformStep>(steps_), std::span<const TransformStep>()}) {
    Matrix whole(kRows, table_->dim);
    ASSERT_TRUE(
        ReadThroughChain(*filled_.store, *engine_, chain, Rows(0, kRows), {}, whole.view()).ok());
    Matrix part(1000, table_->dim);
    for (size_t begin = 0; begin < kRows; begin += 7 * part.rows()) {
      ASSERT_TRUE(ReadThroughChain(*filled_.store, *engine_, chain, Rows(begin, part.rows()), {},
                                   part.view())
                      .ok());
      const auto got = std::as_const(part).view();
      EXPECT_TRUE(
          std::equal(got.data, got.data + part.rows() * part.cols(), whole.row(begin).data()))
          << begin;
    }
  }
}

TEST_F(ChainRowsTest, GivesUpWhenItIsToldToOrTooLate) {
  Matrix out(kRows, table_->dim);
  std::stop_source stop;
  const auto never = Cancellation::Clock::time_point::max();
  const auto read = [&](const Cancellation& cancellation) {
    return ReadThroughChain(*filled_.store, *engine_, steps_, Rows(0, kRows), cancellation,
                            out.view())
        .code();
  };
  EXPECT_EQ(read({stop.get_token(), never}), Code::kOk);
  EXPECT_EQ(read({stop.get_token(), Cancellation::Clock::now()}), Code::kDeadlineExceeded);
  stop.request_stop();
  EXPECT_EQ(read({stop.get_token(), never}), Code::kUnavailable);
}

TEST_F(ChainRowsTest, ReturnsNoRowsOfWeightsThatAreTooLargeForThem) {
  const Layers layers = ScalingLayers(3e38F, 0);
  ASSERT_TRUE(
      filled_.catalog->AddTransform("boom", TestTransform(layers), layers.ToSafetensors()).ok());
  const auto backbone = filled_.catalog->Get<CollectionRecord>("toy").value().record.backbone;
  for (const char* text : {"boom", "double>boom>shift"}) {
    const auto pinned = ResolveChain(*filled_.catalog, models_, backbone, ParseChain(text).value());
    ASSERT_TRUE(pinned.ok()) << pinned.status().ToString();
    Matrix out(100, table_->dim);
    const Status status =
        ReadThroughChain(*filled_.store, *engine_, pinned->steps, Rows(700, 100), {}, out.view());
    EXPECT_EQ(status.code(), Code::kFailedPrecondition);
    EXPECT_NE(status.message().find("sample 7"), std::string::npos) << status.message();
  }
}

TEST_F(ChainRowsTest, TakesFewRowsAtATimeWhereARowTakesLong) {
  TransformWeights heavy;
  heavy.layers = RandomLayers({{1024, 8192, Activation::kRelu, false}, {8192, 1024}}, 1);
  const TransformStep step = StepOf(heavy).value();
  const size_t rows = ChainBlockRows({&step, 1});
  EXPECT_EQ(rows, 128u);  // 2^24 multiply-adds each
  EXPECT_GT(ChainBlockRows(steps_), 1000u);
}

}  // namespace
}  // namespace augstore
