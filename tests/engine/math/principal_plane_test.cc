#include "engine/math/principal_plane.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/math/counter_rng.h"

namespace augstore {
namespace {

// Rows around `centre` that vary by `spread[i]` along the i-th unit vector, independently.
Matrix Cloud(size_t rows, size_t dim, const std::vector<double>& spread, float centre = 0) {
  Matrix cloud(rows, dim);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < dim; ++j) {
      const double scale = j < spread.size() ? spread[j] : 0.01;
      const double draw = PhiloxUniform(3, RngUse::kNoise, i, j) - 0.5;
      cloud.row(i)[j] = centre + static_cast<float>(draw * scale);
    }
  }
  return cloud;
}

TEST(PrincipalPlaneTest, FindsTheDirectionsOfTheGreatestVariance) {
  const Matrix cloud = Cloud(500, 40, {1, 5, 2, 20}, 7);
  const auto plane = FindPrincipalPlane(cloud.view());
  ASSERT_TRUE(plane.ok());
  EXPECT_NEAR(plane->axes[0][3], 1, 0.01);
  EXPECT_NEAR(plane->axes[1][1], 1, 0.02);
  EXPECT_NEAR(plane->explained[0], 400.0 / 430, 0.02);
  EXPECT_NEAR(plane->explained[1], 25.0 / 430, 0.02);
  EXPECT_NEAR(plane->mean[3], 7, 1);
}

TEST(PrincipalPlaneTest, PutsTheMeanAtTheOriginAndKeepsDistancesAlongItsAxes) {
  const Matrix cloud = Cloud(300, 16, {3, 9});
  const auto plane = FindPrincipalPlane(cloud.view());
  ASSERT_TRUE(plane.ok());
  const auto points = ProjectOnto(*plane, cloud.view());
  ASSERT_EQ(points.size(), 300u);
  double sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    sum += points[i][0];
    EXPECT_NEAR(points[i][0], cloud.row(i)[1] - plane->mean[1], 0.05);
  }
  EXPECT_NEAR(sum / 300, 0, 1e-4);
}

TEST(PrincipalPlaneTest, FindsTheSamePlaneEachTime) {
  const Matrix cloud = Cloud(100, 30, {1, 1, 1});
  const auto once = FindPrincipalPlane(cloud.view());
  const auto again = FindPrincipalPlane(cloud.view());
  ASSERT_TRUE(once.ok() && again.ok());
  EXPECT_EQ(once->axes, again->axes);
}

TEST(PrincipalPlaneTest, TakesRowsWithoutVarianceAndWithFewColumns) {
  Matrix same(5, 3);
  for (size_t i = 0; i < 15; ++i) same.data()[i] = 2;
  const auto flat = FindPrincipalPlane(same.view());
  ASSERT_TRUE(flat.ok());
  EXPECT_EQ(flat->explained[0], 0);
  for (const auto& point : ProjectOnto(*flat, same.view())) EXPECT_NEAR(point[0], 0, 1e-6);

  const Matrix line = Cloud(50, 1, {4});
  const auto one = FindPrincipalPlane(line.view());
  ASSERT_TRUE(one.ok());
  EXPECT_NEAR(one->axes[0][0], 1, 1e-6);
  EXPECT_NEAR(one->explained[0], 1, 1e-6);
  EXPECT_EQ(one->axes[1], std::vector<float>{0});

  const Matrix single = Cloud(1, 4, {1});
  EXPECT_TRUE(FindPrincipalPlane(single.view()).ok());
}

TEST(PrincipalPlaneTest, GivesUpWhenItIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const Matrix cloud = Cloud(10, 4, {1});
  const Cancellation cancelled(stop.get_token(), Cancellation::Clock::time_point::max());
  EXPECT_EQ(FindPrincipalPlane(cloud.view(), cancelled).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace augstore
