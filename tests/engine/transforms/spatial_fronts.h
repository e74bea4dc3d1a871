// Spatial fronts for tests.
#ifndef AUGSTORE_TESTS_ENGINE_TRANSFORMS_SPATIAL_FRONTS_H_
#define AUGSTORE_TESTS_ENGINE_TRANSFORMS_SPATIAL_FRONTS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/kernels/tile_engine.h"
#include "engine/transforms/cell_mix.h"
#include "engine/transforms/spatial_features.h"

namespace augstore {

// Convolutions on the feature map as it is.
inline SpatialFront FrontOf(const FeatureMapShape& feature_map, std::vector<Conv> convs) {
  return {feature_map, feature_map.height, feature_map.width,
          MakeCellMix(feature_map, feature_map.height, feature_map.width, nullptr, 1, 1),
          std::move(convs)};
}

inline Matrix Features(const SpatialFront& front, ConstMatrixView feature_maps) {
  const Result<SpatialFeaturesPtr> features = SpatialFeatures::Make(front);
  EXPECT_TRUE(features.ok()) << features.status().ToString();
  const SpatialFeaturesPtr made = features.value();
  Matrix out(feature_maps.rows, made->features());
  SpatialScratch scratch;
  EXPECT_TRUE(made->Apply(*NewTileEngine(), feature_maps, out.view(), &scratch).ok());
  return out;
}

inline double LargestDifference(const Matrix& a, const Matrix& b) {
  double most = 0;
  for (size_t i = 0; i < a.rows() * a.cols(); ++i) {
    most = std::max(most, std::abs(double{a.data()[i]} - b.data()[i]));
  }
  return most;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_TRANSFORMS_SPATIAL_FRONTS_H_
