#include "engine/math/lambda_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace augstore {
namespace {

using Search = LambdaSearch<double>;

// A search whose error is the distance of the exponent from `best`; it notes what it tried.
Search Towards(double best, std::vector<double>* tried) {
  return Search([best, tried](double lambda) -> std::optional<Search::Tried> {
    tried->push_back(std::log10(lambda));
    return Search::Tried{lambda, std::abs(std::log10(lambda) - best)};
  });
}

TEST(LambdaSearch, GoesOverDecadesAndThenAroundTheBest) {
  std::vector<double> tried;
  Search search = Towards(-0.7, &tried);
  search.Grid(1, -2, {0.5, 0.25});
  const std::vector<double> expected = {1, 0, -1, -2, -1.5, -0.5, -0.75, -0.25};
  ASSERT_EQ(tried.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(tried[i], expected[i], 1e-12);
  ASSERT_TRUE(search.best().has_value());
  EXPECT_EQ(search.best()->exponent, -0.75);
  EXPECT_EQ(search.best()->lambda, std::pow(10, -0.75));
  EXPECT_EQ(search.best()->fit, search.best()->lambda);
}

TEST(LambdaSearch, WalksUphillAndOnlyElseDownhill) {
  std::vector<double> tried;
  Search up = Towards(0.6, &tried);
  up.Walk(0, 0.25, 8);
  EXPECT_EQ(tried.size(), 4u) << "0, 0.25, 0.5 and 0.75, and nothing downhill";
  EXPECT_NEAR(up.best()->exponent, 0.5, 1e-12);
  tried.clear();
  Search down = Towards(-0.6, &tried);
  down.Walk(0, 0.25, 2);
  EXPECT_NEAR(down.best()->exponent, -0.5, 1e-12) << "two steps at most";
}

TEST(LambdaSearch, LeavesOutWhatCannotBeSolvedOrIsNotFinite) {
  Search search([](double lambda) -> std::optional<Search::Tried> {
    if (lambda > 1) return std::nullopt;
    return Search::Tried{lambda, lambda < 1 ? std::nan("") : 5.0};
  });
  search.Grid(2, -2, {});
  ASSERT_TRUE(search.best().has_value());
  EXPECT_EQ(search.best()->lambda, 1);
  Search none([](double) -> std::optional<Search::Tried> { return std::nullopt; });
  none.Grid(2, -2, {0.5});
  EXPECT_FALSE(none.best().has_value());
}

}  // namespace
}  // namespace augstore
