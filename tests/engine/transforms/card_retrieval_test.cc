#include "engine/transforms/card_retrieval.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/embeddings.h"

namespace augstore {
namespace {

constexpr size_t kDim = 8;

// z' = z + a step that is `step` times as long as the usual distance of two images.
struct Moved {
  Moved(size_t pairs, float step)
      : z(TestEmbeddings(pairs, kDim, 1)), target(TestEmbeddings(pairs, kDim, 2)) {
    for (size_t i = 0; i < pairs * kDim; ++i) {
      target.data()[i] = z.data()[i] + step * target.data()[i];
    }
  }
  CardEntry Measure(const Matrix& mapped, const RetrievalOptions& options = {},
                    std::span<const ConstMatrixView> other_views = {}) const {
    CardEntry entry;
    MeasureRetrieval(z.view(), target.view(), mapped.view(), other_views, options, &entry);
    return entry;
  }
  Matrix z;
  Matrix target;
};

TEST(MeasureRetrieval, RanksTheTrueViewFirstForAPerfectTransform) {
  const Moved moved(200, 0.3F);
  const CardEntry entry = moved.Measure(moved.target);
  EXPECT_EQ(entry.retrieval_pool, 50u);
  EXPECT_EQ(entry.mrr, 1);
  EXPECT_EQ(entry.hit1, 1);
  EXPECT_EQ(entry.hit5, 1);
}

TEST(MeasureRetrieval, FindsOutATransformThatDoesNothing) {
  const Moved moved(200, 0.3F);
  const CardEntry near = moved.Measure(moved.z);
  EXPECT_EQ(near.hit1, 0) << "z itself is nearer";
  EXPECT_LE(near.mrr, 0.5);
  const Moved far(200, 3);
  const CardEntry lost = far.Measure(far.z);
  EXPECT_LT(lost.mrr, near.mrr) << "other images' views come before the true one as well";
  EXPECT_LT(lost.hit5, 0.5);
}

TEST(MeasureRetrieval, PutsViewsUnderOtherOpsAmongTheCandidates) {
  const Moved moved(60, 0.3F);
  const Moved other(60, 0.5F);  // the same images elsewhere
  const ConstMatrixView views[] = {other.target.view()};
  EXPECT_EQ(moved.Measure(other.target).hit1, 1);
  const CardEntry entry = moved.Measure(moved.target, {}, views);
  EXPECT_EQ(entry.mrr, 1);
  EXPECT_EQ(entry.retrieval_pool, 50u);
  const CardEntry confused = moved.Measure(other.target, {.pool = 3}, views);
  EXPECT_EQ(confused.retrieval_pool, 3u);
  EXPECT_EQ(confused.hit1, 0);
}

TEST(MeasureRetrieval, DoesNotCountCandidatesThatAreTheSameView) {
  const Moved moved(60, 0.3F);
  const ConstMatrixView views[] = {moved.target.view()};
  Matrix near = TestEmbeddings(60, kDim, 3);
  for (size_t i = 0; i < 60 * kDim; ++i) {
    near.data()[i] = moved.target.data()[i] + 0.001F * near.data()[i];
  }
  EXPECT_EQ(moved.Measure(near, {}, views).mrr, 1);
}

TEST(MeasureRetrieval, MakesDoWithFewPairs) {
  const Moved one(1, 0.3F);
  const CardEntry single = one.Measure(one.target);
  EXPECT_EQ(single.retrieval_pool, 2u);
  EXPECT_EQ(single.mrr, 1);
  const Moved few(10, 0.3F);
  EXPECT_EQ(few.Measure(few.target).retrieval_pool, 11u);
}

TEST(MeasureRetrieval, CapsViewsAtTheNumberOfCandidates) {
  const Moved moved(30, 0.3F);
  const std::vector<ConstMatrixView> views(20, moved.z.view());
  EXPECT_EQ(moved.Measure(moved.target, {.pool = 10}, views).retrieval_pool, 10u);
}

TEST(MeasureRetrieval, DependsOnTheSeedAlone) {
  const Moved moved(300, 3);
  const CardEntry first = moved.Measure(moved.z, {.max_pairs = 100});
  EXPECT_EQ(moved.Measure(moved.z, {.max_pairs = 100}), first);
  EXPECT_NE(moved.Measure(moved.z, {.max_pairs = 100, .seed = 1}), first);
}

// Ω that puts every image exactly on the z' of image 0: all others' rank shows whether 0 was drawn.
TEST(MeasureRetrieval, DrawsOtherPairsWithoutRepetitionAndNeverThePairItself) {
  const size_t pairs = 20;
  const Moved moved(pairs, 0.3F);
  Matrix mapped(pairs, kDim);
  for (size_t i = 0; i < pairs; ++i) {
    std::ranges::copy(moved.target.row(0), mapped.row(i).begin());
  }
  const CardEntry entry = moved.Measure(mapped, {.pool = pairs + 1});
  EXPECT_EQ(entry.retrieval_pool, pairs + 1);
  EXPECT_DOUBLE_EQ(entry.hit1, 1.0 / pairs) << "every other image was drawn, 0 among them";
}

}  // namespace
}  // namespace augstore
